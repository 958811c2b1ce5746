"""Losses: means that return one scalar."""

from dataclasses import replace

from .family import Family, Kernel, empty, launch, op

PAIR = {"p": ("torch.rand", "$n, $m"), "t": ("torch.rand", "$n, $m")}

MSE = Family(
    "mse",
    PAIR,
    "return torch.mean((p - t) ** 2)",
    {
        "built_in": "return F.mse_loss(p, t)",
        "sum_over_n": "d = p - t\nreturn (d * d).sum() / d.numel()",
        "rows_then_mean": "return ((p - t) ** 2).mean(1).mean()",
        "columns_then_mean": "return ((p - t) ** 2).mean(0).mean()",
        "dot": "d = (p - t).flatten()\nreturn torch.dot(d, d) / d.numel()",
        "norm": "return torch.linalg.vector_norm(p - t) ** 2 / p.numel()",
        "double": "return ((p.double() - t.double()) ** 2).mean().float()",
        "lanes": "d = (p - t).view(-1, 8)\nreturn (d * d).sum(0).sum() * (1 / d.numel())",
        "expanded": "d = p - t\nreturn torch.mean(d.abs() * d.abs())",
        "kernel_one_piece": Kernel(
            """
extern "C" void mse(int64_t, int64_t, const float* p, const float* t, float* y) {
  float lane[16] = {0};
  for (int64_t i = 0; i < $n * $m; i += 16)
    for (int k = 0; k < 16; ++k) lane[k] += (p[i + k] - t[i + k]) * (p[i + k] - t[i + k]);
  float sum = 0;
  for (float v : lane) sum += v;
  y[0] = sum / ($n * $m);
}
""",
            ({"empty": "y", "dtype": "float32", "shape": []}, launch("mse", "1", "p", "t", "y")),
        ),
        "kernel_rows": Kernel(
            """
extern "C" void rows(int64_t begin, int64_t end, const float* p, const float* t, float* y) {
  for (int64_t r = begin; r < end; ++r) {
    double sum = 0;
    for (int64_t i = r * $m; i < (r + 1) * $m; ++i) sum += (p[i] - t[i]) * (p[i] - t[i]);
    y[r] = static_cast<float>(sum / $m);
  }
}
""",
            (empty("r", "$n"), launch("rows", "size(p, 0)", "p", "t", "r"), op("mean", "r")),
        ),
    },
    ({"n": 128, "m": 512},),
)
# Over a million elements one running float32 sum (dot, norm) loses what eager's pairwise sums keep: left out.
LARGE_MSE = replace(
    MSE,
    name="large_mse",
    sizes=({"n": 1024, "m": 1024},),
    variants={k: v for k, v in MSE.variants.items() if k not in ("dot", "norm", "lanes", "kernel_one_piece")},
)

HUBER = Family(
    "huber",
    {"p": ("torch.randn", "$n, $m"), "t": ("torch.randn", "$n, $m")},
    "return F.smooth_l1_loss(p, t)",
    {
        "where": "d = (p - t).abs()\nreturn torch.where(d < 1, 0.5 * d * d, d - 0.5).mean()",
        "clamped": "d = (p - t).abs()\nc = d.clamp(max=1)\nreturn (c * (d - 0.5 * c)).mean()",
        "huber": "return F.huber_loss(p, t)",
        "double": "return F.smooth_l1_loss(p.double(), t.double()).float()",
    },
    ({"n": 128, "m": 256},),
)

CROSS_ENTROPY = Family(
    "cross_entropy",
    {"x": ("torch.randn", "$n, $c"), "t": ("torch.randint", "0, $c, ($n,)")},
    "return F.cross_entropy(x, t)",
    {
        "gather": "return -torch.log_softmax(x, -1).gather(1, t[:, None]).mean()",
        "logsumexp": "return (torch.logsumexp(x, 1) - x.gather(1, t[:, None])[:, 0]).mean()",
        "one_hot": "return -(F.one_hot(t, $c).float() * F.log_softmax(x, 1)).sum() / $n",
        "indexed": "y = F.log_softmax(x, 1)[torch.arange($n), t]\nreturn -y.sum() / $n",
        "nll": "return F.nll_loss(F.log_softmax(x, -1), t)",
        "double": "return F.cross_entropy(x.double(), t).float()",
    },
    ({"n": 64, "c": 1000},),
)

HINGE = Family(
    "hinge",
    {"p": ("torch.randn", "$n"), "t": ("torch.randn", "$n")},
    "return torch.mean(torch.clamp(1 - p * t, min=0))",
    {
        "relu": "return torch.relu(1 - p * t).sum() / $n",
        "where": "m = 1 - p * t\nreturn torch.where(m > 0, m, 0.0).mean()",
        "addcmul": "return torch.addcmul(torch.ones($n), p, t, value=-1).clamp_(min=0).mean()",
    },
    ({"n": 8192},),
)

COSINE = Family(
    "cosine_loss",
    PAIR,
    "return torch.mean(1 - F.cosine_similarity(p, t, dim=1))",
    {
        "manual": """
            cosine = (p * t).sum(1) / (p.norm(dim=1).clamp_min(1e-8) * t.norm(dim=1).clamp_min(1e-8))
            return (1 - cosine).mean()
        """,
        "normalised": "return 1 - (F.normalize(p, dim=1, eps=1e-8) * F.normalize(t, dim=1, eps=1e-8)).sum(1).mean()",
        "double": "return (1 - F.cosine_similarity(p.double(), t.double(), dim=1)).mean().float()",
    },
    ({"n": 128, "m": 512},),
)

TRIPLET = Family(
    "triplet",
    {"a": ("torch.rand", "$n, $m"), "p": ("torch.rand", "$n, $m"), "q": ("torch.rand", "$n, $m")},
    "return F.triplet_margin_loss(a, p, q, margin=1.0)",
    {
        "manual": """
            near, far = (a - p + 1e-6).norm(dim=1), (a - q + 1e-6).norm(dim=1)
            return torch.relu(near - far + 1).mean()
        """,
        "squares": """
            near, far = ((a - p + 1e-6) ** 2).sum(1).sqrt(), ((a - q + 1e-6) ** 2).sum(1).sqrt()
            return (near - far + 1).clamp_min(0).sum() / $n
        """,
    },
    ({"n": 128, "m": 256},),
)

FAMILIES = [MSE, LARGE_MSE, HUBER, CROSS_ENTROPY, HINGE, COSINE, TRIPLET]
