"""Pointwise functions written in other ways, and layouts."""

from .family import Family, Kernel, empty, launch, op


def pointwise_kernel(expression: str) -> Kernel:
    return Kernel(
        f"""
extern "C" void apply(int64_t begin, int64_t end, const float* x, float* y) {{
  for (int64_t i = begin; i < end; ++i) {{
    const float v = x[i];
    y[i] = {expression};
  }}
}}
""",
        (empty("y", like="x"), launch("apply", "numel(x)", "x", "y", grain=4096)),
    )


NORMAL = {"x": ("torch.randn", "$n, $m")}
SIZE = ({"n": 128, "m": 256},)

GELU = Family(
    "gelu",
    NORMAL,
    "return F.gelu(x)",
    {
        "erf": "return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))",
        "erf_other_order": "return x * (0.5 + 0.5 * torch.erf(x * math.sqrt(0.5)))",
        "ndtr": "return x * torch.special.ndtr(x)",
        "double": "return F.gelu(x.double()).float()",
        "kernel": pointwise_kernel("0.5f * v * (1 + std::erf(v * 0.70710678118654752f))"),
        "kernel_erfc": pointwise_kernel("0.5f * v * std::erfc(-v * 0.70710678118654752f)"),
        "kernel_double": pointwise_kernel("static_cast<float>(0.5 * v * (1 + std::erf(v * 0.70710678118654752)))"),
    },
    (*SIZE, {"n": 1, "m": 70}),
)
SILU = Family(
    "silu",
    NORMAL,
    "return x * torch.sigmoid(x)",
    {
        "built_in": "return F.silu(x)",
        "divided": "return x / (1 + torch.exp(-x))",
        "tanh": "h = 0.5 * x\nreturn h * torch.tanh(h) + h",
        "in_place": "return torch.sigmoid(x).mul_(x)",
        "kernel": pointwise_kernel("v / (1 + std::exp(-v))"),
        "plan": Kernel("", (op("silu", "x"),)),
    },
    SIZE,
)
MISH = Family(
    "mish",
    NORMAL,
    "return F.mish(x)",
    {
        "by_hand": "return x * torch.tanh(F.softplus(x))",
        "rational": """
            e = torch.exp(x.clamp(max=20))
            n = e * (e + 2)
            return torch.where(x > 20, x, x * n / (n + 2))
        """,
        "kernel": pointwise_kernel("v * std::tanh(v > 20 ? v : std::log1p(std::exp(v)))"),
    },
    SIZE,
)
CHAIN = Family(
    "own_temporaries",
    {"x": ("torch.rand", "$n, $m")},
    "return torch.relu(x * 2 - 1) / 3 + torch.tanh(x)",
    {
        "in_place": "y = x * 2\ny.sub_(1).relu_().div_(3)\nreturn y.add_(torch.tanh(x))",
        "into_a_buffer": """
            y = torch.empty_like(x)
            torch.mul(x, 2, out=y)
            y -= 1
            y.clamp_(min=0)
            y /= 3
            return torch.add(y, x.tanh(), out=y)
        """,
        "rows": """
            y = torch.empty_like(x)
            for i in range(0, x.shape[0], 32):
                y[i : i + 32] = torch.relu(x[i : i + 32] * 2 - 1) / 3 + x[i : i + 32].tanh()
            return y
        """,
        "kernel": pointwise_kernel("(2 * v > 1 ? 2 * v - 1 : 0) / 3 + std::tanh(v)"),
        "plan_in_place": Kernel(
            "",
            (
                {"empty": "t", "like": "x"},
                op("mul.out", "x", "two", out="a") | {"kwargs": {"out": "t"}},
                op("sub.Scalar", "a", 1, out="b"),
                op("relu", "b", out="c"),
                op("div.Scalar", "c", 3, out="d"),
                op("tanh", "x", out="e"),
                op("add.Tensor", "d", "e"),
            ),
            prepare=({"op": "aten::full", "args": [[], 2], "kwargs": {"dtype": {"dtype": "float32"}}, "out": ["two"]},),
        ),
    },
    SIZE,
)
ROTARY = Family(
    "rotary",
    {"x": ("torch.randn", "$b, 4, 64, 32")},
    """
    angle = torch.arange(64)[:, None] / 10000 ** (torch.arange(0, 32, 2) / 32)
    even, odd = x[..., ::2], x[..., 1::2]
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)
    """,
    {
        "complex": """
            angle = torch.arange(64)[:, None] / 10000 ** (torch.arange(0, 32, 2) / 32)
            turn = torch.polar(torch.ones_like(angle), angle)
            return torch.view_as_real(torch.view_as_complex(x.view(*x.shape[:-1], 16, 2)) * turn).flatten(-2)
        """,
        "repeated": """
            angle = (torch.arange(64)[:, None] / 10000 ** (torch.arange(0, 32, 2) / 32)).repeat_interleave(2, -1)
            turned = torch.stack([-x[..., 1::2], x[..., ::2]], -1).flatten(-2)
            return x * angle.cos() + turned * angle.sin()
        """,
    },
    ({"b": 2},),
)
POLYNOMIAL = Family(
    "polynomial",
    {"x": ("torch.rand", "$n, $m")},
    "return 1 + 2 * x + 3 * x**2 + 4 * x**3",
    {
        "horner": "return 1 + x * (2 + x * (3 + x * 4))",
        "powers": "s = x * x\nreturn (1 + 2 * x) + s * (3 + 4 * x)",
        "double": "d = x.double()\nreturn (1 + 2 * d + 3 * d**2 + 4 * d**3).float()",
        "kernel": pointwise_kernel("1 + v * (2 + v * (3 + v * 4))"),
    },
    SIZE,
)
LAYOUT = Family(
    "layouts",
    {"x": ("torch.rand", "$b, 8, 12, 10")},
    "return x.permute(0, 2, 3, 1).contiguous() * 1.5",
    {
        "not_contiguous": "return (x * 1.5).permute(0, 2, 3, 1)",
        "channels_last": "return (x.contiguous(memory_format=torch.channels_last) * 1.5).permute(0, 2, 3, 1)",
        "slice_of_larger": """
            y = torch.zeros($b, 12, 10, 16)
            y[..., 4:12] = x.permute(0, 2, 3, 1) * 1.5
            return y[..., 4:12]
        """,
        "einsum": "return torch.einsum('bchw->bhwc', x * 1.5)",
        "requires_grad": "return nn.Parameter(x.permute(0, 2, 3, 1) * 1.5, requires_grad=False).data",
    },
    ({"b": 4},),
)
STRUCTURE = Family(
    "structure",
    {"x": ("torch.rand", "$n, $m"), "t": ("torch.rand", "$n, $m")},
    "return {'sum': (x + t, [x - t]), 'mean': (x * t).mean(1)}",
    {
        "other_order": "d = x - t\nreturn {'mean': torch.einsum('ij,ij->i', x, t) / $m, 'sum': (2 * t + d, [d])}",
        "in_place": "y = x * t\nmean = y.mean(1)\nreturn {'sum': (torch.add(x, t, out=y), [x - t]), 'mean': mean}",
    },
    SIZE,
)

FAMILIES = [GELU, SILU, MISH, CHAIN, ROTARY, POLYNOMIAL, LAYOUT, STRUCTURE]
