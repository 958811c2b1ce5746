"""Sums, means and running sums in every order."""

from .family import Family, Kernel, empty, launch, op


def sum_kernel(body: str) -> Kernel:
    return Kernel(
        f"""
extern "C" void sum(int64_t begin, int64_t end, const float* x, float* y) {{
  for (int64_t r = begin; r < end; ++r) {{
    const float* in = x + r * $n;
    {body}
  }}
}}
""",
        (empty("y", "$rows"), launch("sum", "size(x, 0)", "x", "y")),
    )


EIGHT_LANES = """
    float lane[8] = {0};
    for (int64_t i = 0; i < $n; i += 8)
      for (int k = 0; k < 8; ++k) lane[k] += in[i + k];
    y[r] = ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));"""

SUM_VARIANTS = {
    "eight_lanes": "return x.view($rows, -1, 8).sum(1).sum(1)",
    "two_steps": "return x.view($rows, 64, -1).sum(-1).sum(-1)",
    "ones": "return x @ torch.ones($n)",
    "einsum": "return torch.einsum('ij->i', x)",
    "mean_times_n": "return x.mean(1) * $n",
    "columns_first": "return x.t().contiguous().sum(0)",
    "backwards": "return x.flip(1).sum(1)",
    "sorted": "return x.sort(1).values.sum(1)",
    "double": "return x.sum(1, dtype=torch.float64).float()",
    "pairwise": """
        while x.shape[1] > 1:
            x = x[:, ::2] + x[:, 1::2]
        return x[:, 0]
    """,
    "lanes_by_stride": "return torch.stack([x[:, k::16].sum(1) for k in range(16)]).sum(0)",
    "kernel_eight_lanes": sum_kernel(EIGHT_LANES),
    "kernel_compensated": sum_kernel("""
    float sum = 0, lost = 0;
    for (int64_t i = 0; i < $n; ++i) {
      const float add = in[i] - lost, next = sum + add;
      lost = (next - sum) - add;
      sum = next;
    }
    y[r] = sum;"""),
}

LONG_SUM = Family(
    "sum", {"x": ("torch.rand", "$rows, $n")}, "return x.sum(1)", SUM_VARIANTS, ({"rows": 64, "n": 16384},)
)
SHORT_SUM = Family(
    "short_sum",
    {"x": ("torch.rand", "$rows, $n")},
    "return torch.sum(x, dim=1)",
    SUM_VARIANTS
    | {
        "kernel_sequential": sum_kernel("""
    float sum = 0;
    for (int64_t i = 0; i < $n; ++i) sum += in[i];
    y[r] = sum;"""),
        "last_of_running": "return x.cumsum(1)[:, -1]",
    },
    ({"rows": 128, "n": 1024},),
)

MIDDLE_SUM = Family(
    "middle_mean",
    {"x": ("torch.rand", "$b, $m, $n")},
    "return x.mean(dim=1)",
    {
        "sum": "return x.sum(1) / $m",
        "permuted": "return x.transpose(1, 2).mean(-1)",
        "product": "return (torch.full((1, $m), 1 / $m) @ x).squeeze(1)",
        "loop": """
            y = torch.zeros($b, $n)
            for i in range($m):
                y += x[:, i]
            return y / $m
        """,
        "pooling": "return F.avg_pool2d(x[:, None], ($m, 1)).flatten(1)",
        "kernel": Kernel(
            """
extern "C" void mean(int64_t begin, int64_t end, const float* x, float* y) {
  for (int64_t b = begin; b < end; ++b) {
    float* out = y + b * $n;
    for (int64_t j = 0; j < $n; ++j) out[j] = 0;
    for (int64_t i = 0; i < $m; ++i)
      for (int64_t j = 0; j < $n; ++j) out[j] += x[(b * $m + i) * $n + j];
    for (int64_t j = 0; j < $n; ++j) out[j] /= $m;
  }
}
""",
            (empty("y", "$b", "$n"), launch("mean", "size(x, 0)", "x", "y")),
        ),
    },
    ({"b": 8, "m": 200, "n": 96},),
)

OTHER_ORDER = Family(
    "other_order",
    {"a": ("torch.rand", "$n, 64"), "b": ("torch.randn", "$n, 64"), "c": ("torch.randn", "$n, 64")},
    "return (a + b + c) * 0.1 - a * c",
    {
        "last_first": "return (a + (b + c)) * 0.1 - a * c",
        "distributed": "return (a * 0.1 + b * 0.1) + (c * 0.1 - a * c)",
        "factored": "return a * (0.1 - c) + 0.1 * (b + c)",
        "stacked": "return torch.stack([a, b, c]).sum(0) * 0.1 - a * c",
        "divided": "return (c + b + a) / 10 - c * a",
        "fused": "return torch.addcmul((a + b + c) * 0.1, a, c, value=-1)",
        "in_place": """
            y = a + b
            y += c
            y.mul_(0.1)
            return y.addcmul_(a, c, value=-1)
        """,
        "kernel": Kernel(
            """
extern "C" void all(int64_t begin, int64_t end, const float* a, const float* b, const float* c, float* y) {
  for (int64_t i = begin; i < end; ++i) y[i] = (c[i] + b[i] + a[i]) * 0.1f - a[i] * c[i];
}
""",
            (empty("y", like="a"), launch("all", "numel(a)", "a", "b", "c", "y", grain=4096)),
        ),
    },
    ({"n": 512},),
)

RUNNING_SUM = Family(
    "running_sum",
    {"x": ("torch.rand", "$rows, $n")},
    "return torch.cumsum(x, dim=1)",
    {
        "product": "return x @ torch.ones($n, $n).triu()",
        "blocked": """
            inside = x.view($rows, -1, 32).cumsum(-1)
            before = inside[..., -1].cumsum(-1) - inside[..., -1]
            return (inside + before[..., None]).view($rows, $n)
        """,
        "double": "return x.double().cumsum(1).float()",
        "transposed": "return x.t().contiguous().cumsum(0).t().contiguous()",
        "doubling": """
            y, step = x.clone(), 1
            while step < $n:
                y = torch.cat([y[:, :step], y[:, step:] + y[:, :-step]], 1)
                step *= 2
            return y
        """,
        "kernel": Kernel(
            """
extern "C" void running(int64_t begin, int64_t end, const float* x, float* y) {
  for (int64_t r = begin; r < end; ++r) {
    float sum = 0;
    for (int64_t i = 0; i < $n; ++i) y[r * $n + i] = sum += x[r * $n + i];
  }
}
""",
            (empty("y", like="x"), launch("running", "size(x, 0)", "x", "y")),
        ),
    },
    ({"rows": 64, "n": 512},),
)

VARIANCE = Family(
    "variance",
    {"x": ("torch.rand", "$rows, $n")},
    "return torch.var(x, dim=1)",
    {
        "two_pass": "return ((x - x.mean(1, keepdim=True)) ** 2).sum(1) / ($n - 1)",
        "one_pass": "return ((x * x).mean(1) - x.mean(1) ** 2) * ($n / ($n - 1))",
        "std_squared": "return x.std(1) ** 2",
        "plan": Kernel("", (op("var_mean.correction", "x", [1], correction=1, out="y") | {"out": ["y", ""]},)),
    },
    ({"rows": 128, "n": 2048},),
)

FAMILIES = [LONG_SUM, SHORT_SUM, MIDDLE_SUM, OTHER_ORDER, RUNNING_SUM, VARIANCE]
