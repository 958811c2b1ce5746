"""burnish.metal.compile_shader behaves as torch.mps.compile_shader does (torch/csrc/mps/Module.cpp)."""

from pathlib import Path

import burnish.metal as metal
import pytest
import torch

FILL = """
kernel void fill(device float* out, constant float& value, uint i [[thread_position_in_grid]]) { out[i] = value; }
kernel void add_long(device long* out, constant long& value, uint i [[thread_position_in_grid]]) { out[i] += value; }
kernel void position(device int* out, uint3 p [[thread_position_in_grid]], uint3 n [[threads_per_grid]]) {
  out[(p.z * n.y + p.y) * n.x + p.x] = int(p.x + 10 * p.y + 100 * p.z);
}
kernel void copy_half(device half* out, constant half& a, constant short* list, uint i [[thread_position_in_grid]]) {
  out[i] = a + half(list[i]);
}
"""


@pytest.fixture(scope="module")
def library() -> metal.ShaderLibrary:
    return metal.compile_shader(FILL)


def test_kernels_are_attributes(library: metal.ShaderLibrary) -> None:
    assert sorted(dir(library)) == ["add_long", "copy_half", "fill", "position"]
    with pytest.raises(RuntimeError, match="Failed to create function state object for: nothing"):
        library.nothing  # noqa: B018
    assert library.fill.max_threads_per_threadgroup == 1024
    assert library.fill.thread_execution_width == 32


def test_the_first_tensor_gives_the_threads(library: metal.ShaderLibrary) -> None:
    x = torch.zeros(3, 5)
    library.fill(x, 3.5)
    assert torch.equal(x, torch.full((3, 5), 3.5))
    library.fill(x, 1.0, threads=4)
    assert x.flatten()[:5].tolist() == [1, 1, 1, 1, 3.5]


def test_a_tensor_binds_its_storage_at_its_offset(library: metal.ShaderLibrary) -> None:
    x = torch.zeros(10)
    library.fill(x[4:], 2.0, threads=3)
    assert x.tolist() == [0] * 4 + [2] * 3 + [0] * 3


def test_whole_numbers_are_int64_and_casts_make_them_other_types(library: metal.ShaderLibrary) -> None:
    n = torch.zeros(2, dtype=torch.int64)
    library.add_long(n, 2**40)
    library.add_long(n, True)
    assert n.tolist() == [2**40 + 1] * 2
    h = torch.zeros(3, dtype=torch.float16)
    library.copy_half(h, 0.5, [1, 2, -3], arg_casts={1: "fp16", 2: "int16"})
    assert h.tolist() == [1.5, 2.5, -2.5]
    with pytest.raises(RuntimeError, match="Unsupported cast instruction"):
        library.add_long(n, 1, arg_casts="int128")


def test_grids_of_three_dimensions(library: metal.ShaderLibrary) -> None:
    out = torch.zeros(2, 3, 5, dtype=torch.int32)
    library.position(out, threads=(5, 3, 2), group_size=(4, 2, 1))
    z, y, x = torch.meshgrid(torch.arange(2), torch.arange(3), torch.arange(5), indexing="ij")
    assert torch.equal(out.long(), x + 10 * y + 100 * z)


def test_what_torch_refuses_is_refused(library: metal.ShaderLibrary) -> None:
    x = torch.zeros(4)
    with pytest.raises(ValueError, match="Threadgroup size exceeds 1024 limit"):
        library.fill(x, 1.0, threads=4096, group_size=2048)
    with pytest.raises(RuntimeError, match="Number of threads is undefined"):
        library.fill()
    with pytest.raises(RuntimeError, match="threads->size\\(\\) == group_size->size\\(\\)"):
        library.fill(x, 1.0, threads=(4, 1), group_size=4)
    with pytest.raises(RuntimeError, match="Empty list"):
        library.fill(x, [])
    with pytest.raises(RuntimeError, match="Unsupported argument type"):
        library.fill(x, "two")
    with pytest.raises(TypeError, match="float64"):
        library.fill(x.double(), 1.0)


def test_missing_and_short_arguments_are_named(library: metal.ShaderLibrary) -> None:
    with pytest.raises(RuntimeError, match="missing buffer binding at index 1 for 'value'"):
        library.fill(torch.zeros(4))
    with pytest.raises(RuntimeError, match=r"argument 1 \('value'\) has 4 bytes, the kernel's type has 8"):
        library.add_long(torch.zeros(2, dtype=torch.int64), 1.0)


def test_a_compile_error_names_the_users_line_and_column() -> None:
    with pytest.raises(SyntaxError, match=r"program_source:3:36: error: use of undeclared identifier 'y'"):
        metal.compile_shader(
            "#define TWICE(v) ((v) * 2)\n"
            "kernel void f(device float* x, uint i [[thread_position_in_grid]]) {\n"
            "  float v = float4(1, 2, 3, 4).x + y;  x[i] = TWICE(v);\n}\n"
        )
    with pytest.raises(SyntaxError, match=r"program_source:1:25: error: unknown type name 'foo'"):
        metal.compile_shader("kernel void f(device      foo* x) {}\n".replace("      ", "    "))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("kernel void f(texture2d<float> t [[texture(0)]]) {}", "leaves out textures"),
        ("kernel void f(device float* x [[buffer(0)]], float v) {}", "'v' needs an attribute"),
        ("kernel void f(device double* x) {}", "double"),
        ("float g(float4 v) { return half4(v).x + expf(v.x); }", "expf"),
        ("kernel void f(device float* x) { x[0] = max(x[1], 0); }", "ambiguous"),
        ("kernel void f(device half4* x, device float4* y) { y[0] = x[0]; }", "half4"),
        ("kernel void f(device float* x) { threadgroup float v = 1; x[0] = v; }", "cannot have an initializer"),
        ("kernel void f(device float* x) { x[0] = 1 }", "expected ';'"),
        ("kernel void f(device float* x) { /* never closed", "unterminated"),
        ("kernel void f(device float* x) { char c = 'a; }", "quote"),
        ("kernel void f(device float* x) { device float* y = new float; }", "new"),
        ("kernel void f(device float* x) { x[0] = std::exp(x[0]); }", "std"),
        ("kernel void f(device float* x) { printf(\"hello\"); }", "printf"),
        ("#include <vector>\nkernel void f(device float* x) {}", "vector"),
        ("kernel void f(device float* x) { x[0] = 'é'; }", "ASCII"),
    ],
)  # fmt: skip
def test_what_a_mac_refuses_is_a_syntax_error(source: str, message: str) -> None:
    with pytest.raises(SyntaxError) as error:
        metal.compile_shader("using namespace metal;\n" + source + "\n")
    assert str(error.value).startswith("program_source:")
    assert message in str(error.value)


def test_fast_mode_ends_what_cannot_go_on() -> None:
    library = metal.compile_shader(
        """
kernel void forever(device float* x, uint i [[thread_position_in_grid]]) {
  while (x[i] >= 0) x[i] = x[i] + 1.0f - 1.0f;
}
kernel void wild(device float* x, uint i [[thread_position_in_grid]]) { x[i + (1ul << 40)] = 0; }
"""
    )
    with pytest.raises(metal.Finding, match="endless-loop"):
        library.forever(torch.zeros(4), timeout_s=0.2)
    # The processor tells an address that cannot be one from a misaligned access no better.
    with pytest.raises(metal.Finding, match=r"out-of-bounds|misaligned"):
        library.wild(torch.zeros(4))
    x = torch.full((4,), -1.0)
    library.forever(x)  # and goes on working


def test_a_finding_carries_what_a_person_needs() -> None:
    library = metal.compile_shader(
        "kernel void k(device float* a, device float* b, uint i [[thread_position_in_grid]]) {\n"
        "  b[i + 1] = a[i];\n}\n",
        checked=True,
    )
    with pytest.raises(metal.Finding) as caught:
        library.k(torch.zeros(8), torch.zeros(8), threads=8, group_size=4)
    finding = caught.value
    assert (finding.kind, finding.kernel, finding.line) == ("out-of-bounds", "k", 2)
    assert (finding.thread, finding.group) == ((3, 0, 0), (1, 0, 0))
    assert (finding.buffer, finding.offset) == (1, 32)
    assert str(finding).startswith("program_source:2: out-of-bounds: ")


def test_a_found_kernel_leaves_the_tensors_as_they_were() -> None:
    library = metal.compile_shader(
        "kernel void k(device float* a, uint i [[thread_position_in_grid]]) {\n  a[i * 2] = 1.0f;\n}\n", checked=True
    )
    x = torch.zeros(8)
    with pytest.raises(metal.Finding):
        library.k(x)
    assert torch.equal(x, torch.zeros(8))


def test_softmax_of_a_million_elements() -> None:
    """The speed that matters is printed by bench/metal.py; here only that size and mode work."""
    source = (Path(__file__).parent / "correct" / "softmax.metal").read_text()
    x = torch.randn(1024, 1024)
    y = torch.empty_like(x)
    metal.compile_shader(source).k(x, y, 1024, threads=1024 * 256, group_size=256)
    torch.testing.assert_close(y, x.softmax(-1))


BYTES = """#include <metal_stdlib>
using namespace metal;
kernel void k(device uchar* o [[buffer(0)]], uint i [[thread_position_in_grid]]) {
  o[PLACE] = uchar(i);
}
"""


def test_neighbouring_bytes_are_no_race() -> None:
    out = torch.zeros(64, dtype=torch.uint8)
    metal.compile_shader(BYTES.replace("PLACE", "i"), checked=True).k(out, threads=64, group_size=4)
    assert out.tolist() == list(range(64))
    with pytest.raises(metal.Finding, match="race"):
        metal.compile_shader(BYTES.replace("PLACE", "i / 2"), checked=True).k(out, threads=64, group_size=1)


PACKED = """
kernel void widen(device const packed_float4* x, device const packed_float3* p, device float4* out,
                  uint i [[thread_position_in_grid]]) {
  out[3 * i] = float4(x[i]);
  out[3 * i + 1] = float4(p[i], 1.0f);
  out[3 * i + 2] = float4(half4(x[i]) + half4(1.0h));
}
"""


def test_vectors_are_made_of_packed_ones() -> None:
    x, p, out = torch.arange(9.0)[1:], torch.arange(6.0) + 20, torch.zeros(24)
    metal.compile_shader(PACKED, checked=True).widen(x, p, out, threads=2)
    assert out[:12].tolist() == [1, 2, 3, 4, 20, 21, 22, 1, 2, 3, 4, 5]
    assert out[12:].tolist() == [5, 6, 7, 8, 23, 24, 25, 1, 6, 7, 8, 9]
