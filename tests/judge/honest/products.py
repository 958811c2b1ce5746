"""Products: plain, blocked and pairwise accumulation, other orders, other operators, attention."""

from .family import Family, Kernel, empty, launch, op


def product_kernel(row: str, top: str = "") -> Kernel:
    """`row` computes y for row r of a and all columns of b, as a loop over k outside and columns inside."""
    return Kernel(
        top
        + f"""
extern "C" void product(int64_t begin, int64_t end, const float* a, const float* b, float* y) {{
  const int64_t k = $k, m = $m;
  for (int64_t r = begin; r < end; ++r) {{
    const float* left = a + r * k;
    float* out = y + r * m;
    {row}
  }}
}}
""",
        (empty("y", "$n", "$m"), launch("product", "size(a, 0)", "a", "b", "y")),
    )


PRODUCT_VARIANTS = {
    "mm": "return torch.mm(a, b)",
    "einsum": "return torch.einsum('ik,kj->ij', a, b)",
    "transposed": "return (b.t() @ a.t()).t()",
    "transposed_copy": "return (b.t().contiguous() @ a.t().contiguous()).t().contiguous()",
    "split_4": "return (a.view($n, 4, -1).transpose(0, 1) @ b.view(4, -1, $m)).sum(0)",
    "split_64": "return (a.view($n, 64, -1).transpose(0, 1) @ b.view(64, -1, $m)).sum(0)",
    "blocked": """
        y = torch.zeros($n, $m)
        for at in range(0, $k, 256):
            y.addmm_(a[:, at : at + 256], b[at : at + 256])
        return y
    """,
    "blocked_backwards": """
        y = a[:, -512:] @ b[-512:]
        for at in range($k - 1024, -1, -512):
            y = torch.addmm(y, a[:, at : at + 512], b[at : at + 512])
        return y
    """,
    "pairwise": """
        parts = list(a.view($n, 32, -1).transpose(0, 1) @ b.view(32, -1, $m))
        while len(parts) > 1:
            parts = [p + q for p, q in zip(parts[::2], parts[1::2])]
        return parts[0]
    """,
    "by_columns": "return torch.stack([a @ b[:, j] for j in range(b.shape[1])], dim=1)",
    "by_halves": "return torch.cat([a[: $n // 2] @ b, a[$n // 2 :] @ b])",
    "multiply_and_sum": "return (a[:, None, :] * b.t()[None]).sum(-1)",
    "double": "return (a.double() @ b.double()).float()",
    "reordered": """
        order = torch.arange($k - 1, -1, -1)
        return a[:, order] @ b[order]
    """,
    "kernel_plain": product_kernel("""
    for (int64_t j = 0; j < m; ++j) out[j] = 0;
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < m; ++j) out[j] += left[i] * b[i * m + j];"""),
    "kernel_blocked": product_kernel("""
    float part[$m];
    for (int64_t j = 0; j < m; ++j) out[j] = 0;
    for (int64_t at = 0; at < k; at += 128) {
      for (int64_t j = 0; j < m; ++j) part[j] = 0;
      for (int64_t i = at; i < at + 128; ++i)
        for (int64_t j = 0; j < m; ++j) part[j] += left[i] * b[i * m + j];
      for (int64_t j = 0; j < m; ++j) out[j] += part[j];
    }"""),
    "kernel_pairwise": product_kernel(
        "pair(left, b, k, m, out);",
        """
static void pair(const float* left, const float* b, int64_t k, int64_t m, float* out) {
  if (k <= 32) {
    for (int64_t j = 0; j < m; ++j) out[j] = 0;
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < m; ++j) out[j] += left[i] * b[i * m + j];
    return;
  }
  float high[$m];
  pair(left, b, k / 2, m, out);
  pair(left + k / 2, b + k / 2 * m, k - k / 2, m, high);
  for (int64_t j = 0; j < m; ++j) out[j] += high[j];
}
""",
    ),
    "kernel_double": product_kernel("""
    double sum[$m];
    for (int64_t j = 0; j < m; ++j) sum[j] = 0;
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < m; ++j) sum[j] += static_cast<double>(left[i]) * b[i * m + j];
    for (int64_t j = 0; j < m; ++j) out[j] = static_cast<float>(sum[j]);"""),
    "kernel_compensated": product_kernel("""
    float sum[$m], lost[$m];
    for (int64_t j = 0; j < m; ++j) sum[j] = lost[j] = 0;
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < m; ++j) {
        const float add = std::fma(left[i], b[i * m + j], -lost[j]), next = sum[j] + add;
        lost[j] = (next - sum[j]) - add;
        sum[j] = next;
      }
    for (int64_t j = 0; j < m; ++j) out[j] = sum[j];"""),
}

PRODUCT = Family(
    "product",
    {"a": ("torch.rand", "$n, $k"), "b": ("torch.rand", "$k, $m")},
    "return a @ b",
    PRODUCT_VARIANTS,
    ({"n": 32, "k": 4096, "m": 32},),
)
PRODUCT_NORMAL = Family(
    "product_normal",
    {"a": ("torch.randn", "$n, $k"), "b": ("torch.randn", "$k, $m")},
    "return torch.matmul(a, b)",
    PRODUCT_VARIANTS,
    ({"n": 64, "k": 1024, "m": 64},),
)

LINEAR = Family(
    "linear",
    {"x": ("torch.rand", "$n, $k")},
    "return F.gelu(self.linear(x))",
    {
        "addmm": "return F.gelu(torch.addmm(self.linear.bias, x, self.linear.weight.t()))",
        "bias_after": "return F.gelu(x @ self.linear.weight.t() + self.linear.bias)",
        "bias_first": """
            y = self.linear.bias.expand(x.shape[0], -1).contiguous()
            return F.gelu(y.addmm_(x, self.linear.weight.t()))
        """,
        "bias_in_the_product": """
            ones = torch.ones(x.shape[0], 1)
            weight = torch.cat([self.linear.weight, self.linear.bias[:, None]], 1)
            return F.gelu(torch.cat([x, ones], 1) @ weight.t())
        """,
        "convolution": "return F.gelu(F.conv1d(x.t()[None], self.linear.weight[..., None], self.linear.bias))[0].t()",
        "erf": """
            h = self.linear(x)
            return h * 0.5 * (1 + torch.erf(h * math.sqrt(0.5)))
        """,
        "double": "return F.gelu(F.linear(x.double(), self.linear.weight.double(), self.linear.bias.double())).float()",
        "plan_packed_in_prepare": Kernel(
            "",
            (op("addmm", "b", "x", "packed", out="h"), op("gelu", "h")),
            prepare=(
                op("t", "w", out="turned"),
                op("clone", "turned", out="packed", memory_format={"memory_format": "contiguous"}),
            ),
        ),
        "kernel_epilogue": Kernel(
            """
extern "C" void gelu(int64_t begin, int64_t end, const float* h, const float* b, float* y) {
  for (int64_t i = begin; i < end; ++i) {
    const float v = h[i] + b[i % $m];
    y[i] = 0.5f * v * (1 + std::erf(v * 0.70710678118654752f));
  }
}
""",
            (
                op("t", "w", out="turned"),
                op("mm", "x", "turned", out="h"),
                empty("y", like="h"),
                launch("gelu", "numel(h)", "h", "b", "y", grain=4096),
            ),
        ),
    },
    ({"n": 64, "k": 256, "m": 128},),
    init="self.linear = nn.Linear($k, $m)",
    params={"w": "linear.weight", "b": "linear.bias"},
)

CHAIN = Family(
    "chain",
    {"a": ("torch.rand", "$n, 96"), "b": ("torch.rand", "96, 80"), "v": ("torch.rand", "80, 1")},
    "return (a @ b) @ v",
    {
        "right_first": "return a @ (b @ v)",
        "multi_dot": "return torch.linalg.multi_dot([a, b, v])",
        "sums": "return ((a @ b) * v.t()).sum(-1, keepdim=True)",
        "double": "return (a.double() @ (b.double() @ v.double())).float()",
    },
    ({"n": 128},),
)

LINEAR_MEAN = Family(
    "linear_mean",
    {"x": ("torch.rand", "$n, 128")},
    "return self.linear(x).mean(dim=1, keepdim=True)",
    {
        "weights_first": "return x @ self.linear.weight.mean(0)[:, None] + self.linear.bias.mean()",
        "weights_first_in_double": """
            return F.linear(x, self.linear.weight.double().mean(0, keepdim=True).float(),
                            self.linear.bias.double().mean()[None].float())
        """,
        "sum": "return self.linear(x).sum(1, keepdim=True) * (1 / 64)",
    },
    ({"n": 128},),
    init="self.linear = nn.Linear(128, 64)",
)

ATTENTION = Family(
    "attention",
    {"q": ("torch.rand", "$b, 4, 48, 32"), "k": ("torch.rand", "$b, 4, 48, 32"), "v": ("torch.rand", "$b, 4, 48, 32")},
    "return torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(32), dim=-1) @ v",
    {
        "built_in": "return F.scaled_dot_product_attention(q, k, v)",
        "scale_first": "return torch.softmax((q * 32**-0.5) @ k.transpose(-2, -1), dim=-1) @ v",
        "divide_last": """
            s = q @ k.transpose(-2, -1) * 32**-0.5
            e = torch.exp(s - s.amax(-1, keepdim=True))
            return (e @ v) / e.sum(-1, keepdim=True)
        """,
        "by_heads": """
            heads = [torch.softmax(q[:, h] @ k[:, h].mT / math.sqrt(32), -1) @ v[:, h] for h in range(4)]
            return torch.stack(heads, 1)
        """,
        "online": """
            top = torch.full((*q.shape[:-1], 1), -math.inf)
            total, y = torch.zeros_like(top), torch.zeros_like(v)
            for at in range(0, 48, 16):
                s = q @ k[..., at : at + 16, :].mT / math.sqrt(32)
                new = torch.maximum(top, s.amax(-1, keepdim=True))
                e, keep = torch.exp(s - new), torch.exp(top - new)
                total, y, top = total * keep + e.sum(-1, keepdim=True), y * keep + e @ v[..., at : at + 16, :], new
            return y / total
        """,
        "einsum": """
            s = torch.einsum("bhid,bhjd->bhij", q, k) / math.sqrt(32)
            return torch.einsum("bhij,bhjd->bhid", s.softmax(-1), v)
        """,
        "double": """
            s = q.double() @ k.double().mT / math.sqrt(32)
            return (torch.softmax(s, -1) @ v.double()).float()
        """,
    },
    ({"b": 2},),
)

HALF_PRODUCT = Family(
    "bfloat16_product",
    {"a": ("torch.rand", "$n, $k"), "b": ("torch.rand", "$k, $m")},
    "return a.bfloat16() @ b.bfloat16()",
    {
        "float_inside": "return (a.bfloat16().float() @ b.bfloat16().float()).bfloat16()",
        "double_inside": "return (a.bfloat16().double() @ b.bfloat16().double()).bfloat16()",
        "transposed": "return (b.bfloat16().t() @ a.bfloat16().t()).t()",
    },
    ({"n": 32, "k": 512, "m": 32},),
)

LSTM_CELL = Family(
    "lstm_cell",
    {"x": ("torch.randn", "$n, 64"), "h": ("torch.randn", "$n, 48"), "c": ("torch.randn", "$n, 48")},
    "return self.cell(x, (h, c))",
    {
        "manual": """
            cell = self.cell
            gates = F.linear(x, cell.weight_ih, cell.bias_ih) + F.linear(h, cell.weight_hh, cell.bias_hh)
            i, f, g, o = gates.chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            return torch.sigmoid(o) * torch.tanh(c), c
        """,
        "one_product": """
            weight = torch.cat([self.cell.weight_ih, self.cell.weight_hh], 1)
            i, f, g, o = F.linear(torch.cat([x, h], 1), weight, self.cell.bias_ih + self.cell.bias_hh).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            return o.sigmoid() * c.tanh(), c
        """,
    },
    ({"n": 64},),
    init="self.cell = nn.LSTMCell(64, 48)",
)

FAMILIES = [PRODUCT, PRODUCT_NORMAL, LINEAR, CHAIN, LINEAR_MEAN, ATTENTION, HALF_PRODUCT, LSTM_CELL]
