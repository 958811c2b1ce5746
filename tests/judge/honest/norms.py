"""Normalisations: one pass, two passes, in pieces, in double, by another operator, folded."""

from .family import Family, Kernel, empty, launch, op

ROW = """
static float sum8(const float* x, int64_t n) {
  float lane[8] = {0};
  for (int64_t i = 0; i < n; i += 8)
    for (int k = 0; k < 8; ++k) lane[k] += x[i + k];
  return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}
"""


def layer_norm_kernel(statistics: str) -> Kernel:
    return Kernel(
        ROW
        + f"""
extern "C" void norm(int64_t begin, int64_t end, const float* x, const float* w, const float* b, float* y) {{
  const int64_t n = $n;
  for (int64_t r = begin; r < end; ++r) {{
    const float* in = x + r * n;
    float mean = 0, variance = 0;
    {statistics}
    const float scale = 1 / std::sqrt(variance + 1e-5f);
    for (int64_t i = 0; i < n; ++i) y[r * n + i] = (in[i] - mean) * scale * w[i] + b[i];
  }}
}}
""",
        (empty("y", like="x"), launch("norm", "size(x, 0)", "x", "w", "b", "y")),
    )


LAYER_NORM = Family(
    "layer_norm",
    {"x": ("torch.rand", "$rows, $n")},
    "return self.norm(x)",
    {
        "two_pass": """
            c = x - x.mean(-1, keepdim=True)
            return c * torch.rsqrt((c * c).mean(-1, keepdim=True) + 1e-5) * self.norm.weight + self.norm.bias
        """,
        "one_pass": """
            mean, square = x.mean(-1, keepdim=True), (x * x).mean(-1, keepdim=True)
            scale = torch.rsqrt(square - mean * mean + 1e-5)
            return (x - mean) * scale * self.norm.weight + self.norm.bias
        """,
        "one_pass_shifted": """
            c = x - x[:, :1]
            mean, square = c.mean(-1, keepdim=True), (c * c).mean(-1, keepdim=True)
            return (c - mean) / torch.sqrt(square - mean * mean + 1e-5) * self.norm.weight + self.norm.bias
        """,
        "folded_affine": """
            variance, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
            scale = torch.rsqrt(variance + 1e-5)
            return torch.addcmul(self.norm.bias, (x - mean) * scale, self.norm.weight)
        """,
        "merged_chunks": """
            parts = x.view(x.shape[0], 16, -1)
            means = parts.mean(-1)
            inside = ((parts - means.unsqueeze(-1)) ** 2).mean(-1)
            mean = means.mean(-1, keepdim=True)
            variance = (inside + (means - mean) ** 2).mean(-1, keepdim=True)
            return (x - mean) * torch.rsqrt(variance + 1e-5) * self.norm.weight + self.norm.bias
        """,
        "double": """
            d = x.double()
            variance, mean = torch.var_mean(d, -1, correction=0, keepdim=True)
            y = (d - mean) / torch.sqrt(variance + 1e-5) * self.norm.weight.double() + self.norm.bias.double()
            return y.float()
        """,
        "group_norm": "return F.group_norm(x, 1, self.norm.weight, self.norm.bias, 1e-5)",
        "batch_norm": """
            y = F.batch_norm(x.t(), None, None, training=True, eps=1e-5)
            return y.t() * self.norm.weight + self.norm.bias
        """,
        "sums_by_product": """
            ones = torch.full((x.shape[1] // 16, 1), 16 / x.shape[1])
            c = x - (x.view(x.shape[0], 16, -1) @ ones).mean(1)
            square = ((c * c).view(x.shape[0], 16, -1) @ ones).mean(1)
            return c * torch.rsqrt(square + 1e-5) * self.norm.weight + self.norm.bias
        """,
        "in_place": """
            y = x - x.mean(-1, keepdim=True)
            scale = y.square().mean(-1, keepdim=True).add_(1e-5).rsqrt_()
            return y.mul_(scale).mul_(self.norm.weight).add_(self.norm.bias)
        """,
        "kernel_two_pass": layer_norm_kernel("""
    mean = sum8(in, n) / n;
    float lane[8] = {0};
    for (int64_t i = 0; i < n; i += 8)
      for (int k = 0; k < 8; ++k) lane[k] += (in[i + k] - mean) * (in[i + k] - mean);
    variance = sum8(lane, 8) / n;"""),
        "kernel_one_pass": layer_norm_kernel("""
    float a[8] = {0}, q[8] = {0};
    for (int64_t i = 0; i < n; i += 8)
      for (int k = 0; k < 8; ++k) a[k] += in[i + k], q[k] += in[i + k] * in[i + k];
    mean = sum8(a, 8) / n;
    variance = sum8(q, 8) / n - mean * mean;
    if (variance < 0) variance = 0;"""),
        "kernel_double": layer_norm_kernel("""
    double a = 0, q = 0;
    for (int64_t i = 0; i < n; ++i) a += in[i];
    mean = static_cast<float>(a / n);
    for (int64_t i = 0; i < n; ++i) q += (in[i] - a / n) * (in[i] - a / n);
    variance = static_cast<float>(q / n);"""),
        "kernel_welford": layer_norm_kernel("""
    float m[8] = {0}, s[8] = {0};
    for (int64_t i = 0; i < n / 8; ++i)
      for (int k = 0; k < 8; ++k) {
        const float d = in[i * 8 + k] - m[k];
        m[k] += d / static_cast<float>(i + 1);
        s[k] += d * (in[i * 8 + k] - m[k]);
      }
    mean = sum8(m, 8) / 8;
    for (int k = 0; k < 8; ++k) variance += s[k] / n + (m[k] - mean) * (m[k] - mean) / 8;"""),
    },
    ({"rows": 8, "n": 16384}, {"rows": 96, "n": 512}),
    init="self.norm = nn.LayerNorm($n)",
    params={"w": "norm.weight", "b": "norm.bias"},
)

RMS_NORM = Family(
    "rms_norm",
    {"x": ("torch.randn", "$rows, $n")},
    "return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight",
    {
        "built_in": "return F.rms_norm(x, ($n,), self.weight, 1e-6)",
        "by_norm": """
            norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
            return x / torch.sqrt(norm * norm / $n + 1e-6) * self.weight
        """,
        "einsum": "return x * self.weight / torch.sqrt(torch.einsum('ri,ri->r', x, x)[:, None] / $n + 1e-6)",
        "double": """
            d = x.double()
            return (d / torch.sqrt(d.pow(2).mean(-1, keepdim=True) + 1e-6)).float() * self.weight
        """,
        "kernel": Kernel(
            ROW
            + """
extern "C" void norm(int64_t begin, int64_t end, const float* x, const float* w, float* y) {
  for (int64_t r = begin; r < end; ++r) {
    const float* in = x + r * $n;
    float lane[8] = {0};
    for (int64_t i = 0; i < $n; i += 8)
      for (int k = 0; k < 8; ++k) lane[k] += in[i + k] * in[i + k];
    const float scale = 1 / std::sqrt(sum8(lane, 8) / $n + 1e-6f);
    for (int64_t i = 0; i < $n; ++i) y[r * $n + i] = in[i] * scale * w[i];
  }
}
""",
            (empty("y", like="x"), launch("norm", "size(x, 0)", "x", "w", "y")),
        ),
    },
    ({"rows": 64, "n": 1024},),
    init="self.weight = nn.Parameter(torch.rand($n) + 0.5)",
    params={"w": "weight"},
)

GROUP_NORM = Family(
    "group_norm",
    {"x": ("torch.rand", "$batch, 32, 12, 12")},
    "return F.silu(self.norm(x))",
    {
        "manual": """
            g = x.view(x.shape[0], 8, -1)
            variance, mean = torch.var_mean(g, -1, correction=0, keepdim=True)
            y = ((g - mean) * torch.rsqrt(variance + 1e-5)).view_as(x)
            y = y * self.norm.weight[:, None, None] + self.norm.bias[:, None, None]
            return y * torch.sigmoid(y)
        """,
        "one_pass": """
            g = x.view(x.shape[0], 8, -1)
            mean, square = g.mean(-1, keepdim=True), g.square().mean(-1, keepdim=True)
            y = ((g - mean) * torch.rsqrt(square - mean * mean + 1e-5)).view_as(x)
            return F.silu(y * self.norm.weight[:, None, None] + self.norm.bias[:, None, None])
        """,
        "layer_norm": """
            y = F.layer_norm(x.view(x.shape[0], 8, -1), (4 * 144,)).view_as(x)
            return F.silu(torch.addcmul(self.norm.bias[:, None, None], y, self.norm.weight[:, None, None]))
        """,
        "channels_last": "return F.silu(self.norm(x.contiguous(memory_format=torch.channels_last)))",
        "double": """
            y = F.group_norm(x.double(), 8, self.norm.weight.double(), self.norm.bias.double())
            return F.silu(y).float()
        """,
    },
    ({"batch": 4},),
    init="self.norm = nn.GroupNorm(8, 32)",
)

BATCH_NORM = Family(
    "batch_norm",
    {"x": ("torch.rand", "$batch, 16, 14, 14")},
    "return torch.relu(self.norm(self.conv(x)))",
    {
        "folded": """
            scale = self.norm.weight * torch.rsqrt(self.norm.running_var + 1e-5)
            bias = self.norm.bias - self.norm.running_mean * scale
            return torch.relu(F.conv2d(x, self.conv.weight * scale[:, None, None, None], bias, padding=1))
        """,
        "scale_and_shift": """
            scale = self.norm.weight / torch.sqrt(self.norm.running_var + 1e-5)
            shift = self.norm.bias - self.norm.running_mean * scale
            return torch.relu(self.conv(x) * scale[:, None, None] + shift[:, None, None])
        """,
        "folded_in_double": """
            scale = self.norm.weight.double() / torch.sqrt(self.norm.running_var.double() + 1e-5)
            bias = self.norm.bias.double() - self.norm.running_mean.double() * scale
            weight = (self.conv.weight.double() * scale[:, None, None, None]).float()
            return F.conv2d(x, weight, bias.float(), padding=1).relu_()
        """,
        "folded_product": """
            scale = self.norm.weight * torch.rsqrt(self.norm.running_var + 1e-5)
            bias = self.norm.bias - self.norm.running_mean * scale
            weight = self.conv.weight.flatten(1) * scale[:, None]
            y = weight @ F.unfold(x, 3, padding=1) + bias[:, None]
            return y.view(x.shape[0], -1, 14, 14).clamp_min(0)
        """,
        "plan_folded_in_prepare": Kernel(
            "",
            (
                op("convolution", "x", "folded", "bias", [1, 1], [1, 1], [1, 1], False, [0, 0], 1, out="c"),
                op("relu", "c"),
            ),
            prepare=(
                op("add.Scalar", "variance", 1e-5, out="v"),
                op("rsqrt", "v", out="inverse"),
                op("mul.Tensor", "w", "inverse", out="scale"),
                op("mul.Tensor", "mean", "scale", out="moved"),
                op("sub.Tensor", "b", "moved", out="bias"),
                op("view", "scale", [16, 1, 1, 1], out="scales"),
                op("mul.Tensor", "kernel", "scales", out="folded"),
            ),
        ),
    },
    ({"batch": 4},),
    init="""
        self.conv, self.norm = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.norm.running_mean.uniform_(-0.5, 0.5)
        self.norm.running_var.uniform_(0.5, 2)
    """,
    params={
        "kernel": "conv.weight",
        "w": "norm.weight",
        "b": "norm.bias",
        "mean": "norm.running_mean",
        "variance": "norm.running_var",
    },
)

LINEAR_BATCH_NORM = Family(
    "linear_batch_norm",
    {"x": ("torch.randn", "$batch, 128")},
    "return self.norm(self.linear(x))",
    {
        "folded": """
            scale = self.norm.weight * torch.rsqrt(self.norm.running_var + self.norm.eps)
            bias = (self.linear.bias - self.norm.running_mean) * scale + self.norm.bias
            return F.linear(x, self.linear.weight * scale[:, None], bias)
        """,
        "scale_after": """
            scale = self.norm.weight * torch.rsqrt(self.norm.running_var + self.norm.eps)
            shift = self.norm.bias - self.norm.running_mean * scale
            return torch.addcmul(shift, self.linear(x), scale)
        """,
        "scale_last": """
            y = x @ self.linear.weight.t() + (self.linear.bias - self.norm.running_mean)
            return y / torch.sqrt(self.norm.running_var + self.norm.eps) * self.norm.weight + self.norm.bias
        """,
    },
    ({"batch": 64},),
    init="""
        self.linear, self.norm = nn.Linear(128, 96), nn.BatchNorm1d(96)
        self.norm.running_mean.uniform_(-0.5, 0.5)
        self.norm.running_var.uniform_(0.5, 2)
    """,
)

INSTANCE_NORM = Family(
    "instance_norm",
    {"x": ("torch.randn", "$batch, 8, 16, 16")},
    "return F.instance_norm(x)",
    {
        "manual": """
            variance, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
            return (x - mean) * torch.rsqrt(variance + 1e-5)
        """,
        "one_pass": """
            mean, square = x.mean((2, 3), keepdim=True), x.square().mean((2, 3), keepdim=True)
            return (x - mean) / torch.sqrt(square - mean.square() + 1e-5)
        """,
        "rows_then_columns": """
            mean = x.mean(3, keepdim=True).mean(2, keepdim=True)
            c = x - mean
            return c * torch.rsqrt(c.square().mean(2, keepdim=True).mean(3, keepdim=True) + 1e-5)
        """,
        "layer_norm": "return F.layer_norm(x, (16, 16))",
    },
    ({"batch": 4},),
)

NORMALIZE = Family(
    "normalize",
    {"x": ("torch.rand", "$rows, $n")},
    "return F.normalize(x, dim=-1)",
    {
        "manual": "return x / x.norm(dim=-1, keepdim=True).clamp_min(1e-12)",
        "rsqrt": "return x * torch.rsqrt((x * x).sum(-1, keepdim=True).clamp_min(1e-24))",
        "double": "return (x.double() / x.double().norm(dim=-1, keepdim=True).clamp_min(1e-12)).float()",
        "plan": Kernel(
            "",
            (
                op("linalg_vector_norm", "x", 2, [-1], True, out="n"),
                op("clamp_min", "n", 1e-12, out="c"),
                op("div.Tensor", "x", "c"),
            ),
        ),
    },
    ({"rows": 64, "n": 1000},),
)

FAMILIES = [LAYER_NORM, RMS_NORM, GROUP_NORM, BATCH_NORM, LINEAR_BATCH_NORM, INSTANCE_NORM, NORMALIZE]
