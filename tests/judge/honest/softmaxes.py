"""Softmax, stable and plain, and its relatives."""

from .family import Family, Kernel, empty, launch


def softmax_kernel(body: str) -> Kernel:
    return Kernel(
        f"""
extern "C" void softmax(int64_t begin, int64_t end, const float* x, float* y) {{
  for (int64_t r = begin; r < end; ++r) {{
    const float* in = x + r * $n;
    float* out = y + r * $n;
    {body}
  }}
}}
""",
        (empty("y", like="x"), launch("softmax", "size(x, 0)", "x", "y")),
    )


STABLE = {
    "by_hand": "e = torch.exp(x - x.amax(-1, keepdim=True))\nreturn e / e.sum(-1, keepdim=True)",
    "reciprocal": "e = torch.exp(x - x.amax(-1, keepdim=True))\nreturn e * (1 / e.sum(-1, keepdim=True))",
    "logarithm": "return torch.log_softmax(x, -1).exp()",
    "other_dimension": "return torch.softmax(x.t().contiguous(), 0).t()",
    "base_two": """
        e = torch.exp2((x - x.amax(-1, keepdim=True)) * math.log2(math.e))
        return e / e.sum(-1, keepdim=True)
    """,
    "double": "return torch.softmax(x.double(), -1).float()",
    "in_chunks": """
        parts = x.chunk(4, 1)
        tops = torch.stack([p.amax(1) for p in parts])
        sums = torch.stack([torch.exp(p - t[:, None]).sum(1) for p, t in zip(parts, tops)])
        top = tops.amax(0)
        return torch.exp(x - top[:, None]) / (sums * torch.exp(tops - top)).sum(0)[:, None]
    """,
    "in_place": """
        y = x - x.amax(-1, keepdim=True)
        y.exp_()
        return y.div_(y.sum(-1, keepdim=True))
    """,
    "kernel": softmax_kernel("""
    float top = in[0], sum = 0;
    for (int64_t i = 1; i < $n; ++i) top = in[i] > top ? in[i] : top;
    for (int64_t i = 0; i < $n; ++i) sum += out[i] = std::exp(in[i] - top);
    for (int64_t i = 0; i < $n; ++i) out[i] /= sum;"""),
    "kernel_online": softmax_kernel("""
    float top = -INFINITY, sum = 0;
    for (int64_t i = 0; i < $n; ++i) {
      const float next = in[i] > top ? in[i] : top;
      sum = sum * std::exp(top - next) + std::exp(in[i] - next);
      top = next;
    }
    const float scale = 1 / sum;
    for (int64_t i = 0; i < $n; ++i) out[i] = std::exp(in[i] - top) * scale;"""),
    "kernel_double": softmax_kernel("""
    double top = in[0], sum = 0;
    for (int64_t i = 1; i < $n; ++i) top = in[i] > top ? in[i] : top;
    for (int64_t i = 0; i < $n; ++i) sum += std::exp(in[i] - top);
    for (int64_t i = 0; i < $n; ++i) out[i] = static_cast<float>(std::exp(in[i] - top) / sum);"""),
}

SOFTMAX = Family(
    "softmax",
    {"x": ("torch.randn", "$rows, $n")},
    "return torch.softmax(x, dim=-1)",
    STABLE,
    ({"rows": 64, "n": 512},),
)
UNIFORM_SOFTMAX = Family(
    "softmax_of_uniform",
    {"x": ("torch.rand", "$rows, $n")},
    "return F.softmax(x, dim=1)",
    STABLE,
    ({"rows": 16, "n": 4096},),
)
# A reference without the maximum overflows where a stable candidate does not: the stable one is not refused for that.
PLAIN_REFERENCE = Family(
    "plain_softmax",
    {"x": ("torch.rand", "$rows, $n")},
    "e = torch.exp(x)\nreturn e / e.sum(-1, keepdim=True)",
    {name: STABLE[name] for name in ("by_hand", "logarithm", "double", "in_chunks", "kernel", "kernel_online")}
    | {
        "plain": "e = x.exp()\nreturn e * e.sum(1, keepdim=True).reciprocal()",
        "built_in": "return torch.softmax(x, -1)",
        "kernel_plain": softmax_kernel("""
    float sum = 0;
    for (int64_t i = 0; i < $n; ++i) sum += out[i] = std::exp(in[i]);
    for (int64_t i = 0; i < $n; ++i) out[i] /= sum;"""),
    },
    ({"rows": 64, "n": 512},),
)
# Without the maximum the generator's own inputs are right; whoever asks for no more than those gets it.
PLAIN_CANDIDATE = Family(
    "softmax_at_generator",
    {"x": ("torch.rand", "$rows, $n")},
    "return torch.softmax(x, dim=-1)",
    {
        "plain": "e = torch.exp(x)\nreturn e / e.sum(-1, keepdim=True)",
        "kernel_plain": PLAIN_REFERENCE.variants["kernel_plain"],
    },
    ({"rows": 64, "n": 512},),
    options={"contract": "generator"},
)

LOG_SUM_EXP = Family(
    "log_sum_exp",
    {"x": ("torch.randn", "$rows, $n")},
    "return torch.logsumexp(x, dim=1)",
    {
        "by_hand": "m = x.amax(1, keepdim=True)\nreturn torch.log(torch.exp(x - m).sum(1)) + m[:, 0]",
        "tree": """
            while x.shape[1] > 1:
                x = torch.logaddexp(x[:, ::2], x[:, 1::2])
            return x[:, 0]
        """,
        "from_log_softmax": "return x[:, 0] - torch.log_softmax(x, 1)[:, 0]",
        "double": "return torch.logsumexp(x.double(), 1).float()",
    },
    ({"rows": 128, "n": 256},),
)

MASKED_SOFTMAX = Family(
    "masked_softmax",
    {"x": ("torch.randn", "$rows, $n, $n")},
    "mask = torch.ones($n, $n, dtype=torch.bool).tril()\nreturn torch.softmax(x.masked_fill(~mask, -math.inf), -1)",
    {
        "added": "return torch.softmax(x + torch.full(($n, $n), -math.inf).triu(1), -1)",
        "where": """
            mask = torch.arange($n)[:, None] >= torch.arange($n)
            e = torch.where(mask, torch.exp(x - torch.where(mask, x, -math.inf).amax(-1, keepdim=True)), 0.0)
            return e / e.sum(-1, keepdim=True)
        """,
        "by_rows": """
            y = torch.zeros_like(x)
            for i in range($n):
                y[:, i, : i + 1] = torch.softmax(x[:, i, : i + 1], -1)
            return y
        """,
    },
    ({"rows": 8, "n": 64},),
)

FAMILIES = [SOFTMAX, UNIFORM_SOFTMAX, PLAIN_REFERENCE, PLAIN_CANDIDATE, LOG_SUM_EXP, MASKED_SOFTMAX]
