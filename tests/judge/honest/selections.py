"""Selections: top-k and argmax with ties, sorting, gathering, scattering, distances."""

from .family import Family

# Rows in which a few values occur twice: a tie at a rank of the top is rare enough to be masked, and happens.
TIES = """
def tied(rows, n):
    x = torch.rand(rows, n)
    x[0, 1] = x[0, 0]
    x[1, 7] = x[1].max()
    return x
"""

TOP = Family(
    "top_k",
    {"x": ("tied", "$rows, $n")},
    "values, indices = torch.topk(x, 8, dim=1)\nreturn values, indices",
    {
        "sort": "values, indices = torch.sort(x, dim=1, descending=True)\nreturn values[:, :8], indices[:, :8]",
        "stable_sort": """
            values, indices = torch.sort(x, dim=1, descending=True, stable=True)
            return values[:, :8].contiguous(), indices[:, :8].contiguous()
        """,
        "argsort": "i = torch.argsort(x, dim=1, descending=True)[:, :8]\nreturn x.gather(1, i), i",
        "ascending": """
            values, indices = torch.sort(x, dim=1)
            return values[:, -8:].flip(1), indices[:, -8:].flip(1)
        """,
        "one_by_one": """
            x, values, indices = x.clone(), [], []
            for _ in range(8):
                v, i = x.max(1, keepdim=True)
                x.scatter_(1, i, -math.inf)
                values.append(v)
                indices.append(i)
            return torch.cat(values, 1), torch.cat(indices, 1)
        """,
        "in_parts": """
            half = $n // 2
            a, i = torch.topk(x[:, :half], 8, dim=1)
            b, j = torch.topk(x[:, half:], 8, dim=1)
            values, order = torch.topk(torch.cat([a, b], 1), 8, dim=1)
            return values, torch.cat([i, j + half], 1).gather(1, order)
        """,
    },
    ({"rows": 128, "n": 1000},),
    top=TIES,
)

ARGMAX = Family(
    "argmax",
    {"x": ("tied", "$rows, $n")},
    "return torch.argmax(x, dim=1)",
    {
        "max": "return x.max(1).indices",
        "top_1": "return torch.topk(x, 1, dim=1).indices[:, 0]",
        "sort": "return torch.argsort(x, dim=1, descending=True)[:, 0]",
        "last": "return $n - 1 - x.flip(1).argmax(1)",
        "where_equal": "return (x == x.amax(1, keepdim=True)).int().argmax(1)",
        "in_parts": """
            parts = x.view($rows, 4, -1)
            top, at = parts.max(-1)
            best = top.argmax(1)
            return at.gather(1, best[:, None])[:, 0] + best * ($n // 4)
        """,
    },
    ({"rows": 256, "n": 1000},),
    top=TIES,
)

WHOLE_NUMBERS = Family(
    "argmax_of_whole_numbers",
    {"x": ("whole", "$rows, $n")},
    "return torch.argmax(x, dim=1), torch.amax(x, dim=1)",
    {
        "first_of_equals": "top = x.amax(1)\nreturn (x == top[:, None]).int().argmax(1), top",
        "max": "values, indices = x.max(1)\nreturn indices, values",
        "stable_sort": """
            values, indices = torch.sort(x, dim=1, descending=True, stable=True)
            return indices[:, 0].contiguous(), values[:, 0].contiguous()
        """,
    },
    ({"rows": 128, "n": 200},),
    top="def whole(rows, n):\n    return torch.randint(0, 50, (rows, n)).float()",
)

SORT = Family(
    "sort",
    {"x": ("torch.randn", "$rows, $n")},
    "return torch.sort(x, dim=1).values",
    {
        "top": "return torch.topk(x, $n, dim=1, largest=False).values",
        "negated": "return -torch.sort(-x, dim=1, descending=True).values",
        "gathered": "return x.gather(1, x.argsort(1))",
    },
    ({"rows": 64, "n": 200},),
)

EMBEDDING_BAG = Family(
    "embedding_bag",
    {"i": ("torch.randint", "0, 500, ($b, 12)")},
    "return self.table(i).mean(1)",
    {
        "bag": "return F.embedding_bag(i, self.table.weight, mode='mean')",
        "indexed": "return self.table.weight[i].sum(1) / 12",
        "counts": """
            counts = torch.zeros($b, 500).scatter_add_(1, i, torch.ones($b, 12))
            return counts @ self.table.weight / 12
        """,
    },
    ({"b": 64},),
    init="self.table = nn.Embedding(500, 64)",
)

SCATTER = Family(
    "scatter_sum",
    {"x": ("torch.rand", "$n, 32"), "i": ("torch.randint", "0, 20, ($n,)")},
    "return torch.zeros(20, 32).index_add(0, i, x)",
    {
        "one_hot": "return F.one_hot(i, 20).float().t() @ x",
        "scatter": "return torch.zeros(20, 32).scatter_add_(0, i[:, None].expand(-1, 32), x)",
        "sorted": "order = torch.argsort(i)\nreturn torch.zeros(20, 32).index_add_(0, i[order], x[order])",
        "backwards": "return torch.zeros(20, 32).index_add_(0, i.flip(0), x.flip(0))",
    },
    ({"n": 600},),
)

DISTANCES = Family(
    "distances",
    {"a": ("torch.rand", "$n, 16"), "b": ("torch.rand", "$m, 16")},
    "return torch.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))",
    {
        "built_in": "return torch.cdist(a, b, compute_mode='donot_use_mm_for_euclid_dist')",
        "norm": "return (a[:, None] - b[None]).norm(dim=-1)",
        "by_dimension": """
            y = torch.zeros($n, $m)
            for k in range(16):
                y += (a[:, k, None] - b[None, :, k]) ** 2
            return y.sqrt_()
        """,
        "product_in_double": """
            a, b = a.double(), b.double()
            y = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * (a @ b.t())
            return y.clamp_min(0).sqrt().float()
        """,
    },
    ({"n": 80, "m": 72},),
)

FAMILIES = [TOP, ARGMAX, WHOLE_NUMBERS, SORT, EMBEDDING_BAG, SCATTER, DISTANCES]
