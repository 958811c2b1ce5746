"""Convolutions and poolings: as products, by taps, by Fourier transforms where that is accurate enough."""

from .family import Family

LONG = Family(
    "long_convolution",
    {"x": ("torch.randn", "$b, $c, $n")},
    "return F.conv1d(x, self.weight, groups=$c)",
    {
        "fourier": """
            w = torch.fft.rfft(self.weight[:, 0].flip(-1), n=$n)
            return torch.fft.irfft(torch.fft.rfft(x) * w, n=$n)[..., $k - 1 :]
        """,
        "fourier_in_double": """
            w = torch.fft.rfft(self.weight[:, 0].double().flip(-1), n=$n)
            return torch.fft.irfft(torch.fft.rfft(x.double()) * w, n=$n)[..., $k - 1 :].float()
        """,
        "windows": "return (x.unfold(-1, $k, 1) * self.weight[:, 0][:, None]).sum(-1)",
        "windows_product": "return torch.einsum('bcnk,ck->bcn', x.unfold(-1, $k, 1), self.weight[:, 0])",
        "two_dimensional": "return F.conv2d(x[:, :, None], self.weight[:, :, None], groups=$c)[:, :, 0]",
        "by_channels": """
            return torch.cat([F.conv1d(x[:, i : i + 1], self.weight[i : i + 1]) for i in range($c)], 1)
        """,
    },
    ({"b": 2, "c": 8, "n": 1024, "k": 129},),
    init="self.weight = nn.Parameter(torch.randn($c, 1, $k) / $k)",
)

CONV = Family(
    "conv2d",
    {"x": ("torch.rand", "$b, 8, 16, 16")},
    "return self.conv(x)",
    {
        "windows": """
            y = self.conv.weight.flatten(1) @ F.unfold(x, 3, padding=1) + self.conv.bias[:, None]
            return y.view($b, 12, 16, 16)
        """,
        "taps": """
            p, y = F.pad(x, (1, 1, 1, 1)), self.conv.bias[:, None, None].expand($b, 12, 16, 16).clone()
            for i in range(3):
                for j in range(3):
                    y += torch.einsum("bchw,oc->bohw", p[:, :, i : i + 16, j : j + 16], self.conv.weight[:, :, i, j])
            return y
        """,
        "channels_last": """
            last = torch.channels_last
            return F.conv2d(x.contiguous(memory_format=last), self.conv.weight.contiguous(memory_format=last),
                            self.conv.bias, padding=1)
        """,
        "halves": """
            a = F.conv2d(x[:, :4], self.conv.weight[:, :4], self.conv.bias, padding=1)
            return a + F.conv2d(x[:, 4:], self.conv.weight[:, 4:], padding=1)
        """,
        "transposed": """
            weight = self.conv.weight.flip(2, 3).transpose(0, 1)
            return F.conv_transpose2d(x, weight, self.conv.bias, padding=1)
        """,
        "double": """
            return F.conv2d(x.double(), self.conv.weight.double(), self.conv.bias.double(), padding=1).float()
        """,
        "fourier_in_double": """
            w = torch.fft.rfft2(self.conv.weight.double().flip(2, 3), s=(18, 18))
            f = torch.fft.rfft2(F.pad(x.double(), (1, 1, 1, 1)), s=(18, 18))
            y = torch.fft.irfft2(torch.einsum("bchw,ochw->bohw", f, w), s=(18, 18))[..., 2:, 2:]
            return (y + self.conv.bias.double()[:, None, None]).float()
        """,
    },
    ({"b": 2},),
    init="self.conv = nn.Conv2d(8, 12, 3, padding=1)",
)

DEPTHWISE = Family(
    "depthwise",
    {"x": ("torch.rand", "$b, 16, 20, 20")},
    "return self.conv(x)",
    {
        "taps": """
            w = self.conv.weight
            parts = [x[:, :, i : i + 18, j : j + 18] * w[:, 0, i, j][:, None, None] for i in range(3) for j in range(3)]
            return sum(parts) + self.conv.bias[:, None, None]
        """,
        "windows": """
            p = x.unfold(2, 3, 1).unfold(3, 3, 1)
            return torch.einsum("bchwij,cij->bchw", p, self.conv.weight[:, 0]) + self.conv.bias[:, None, None]
        """,
        "dense": """
            full = torch.zeros(16, 16, 3, 3)
            full[torch.arange(16), torch.arange(16)] = self.conv.weight[:, 0]
            return F.conv2d(x, full, self.conv.bias)
        """,
    },
    ({"b": 2},),
    init="self.conv = nn.Conv2d(16, 16, 3, groups=16)",
)

POOLING = Family(
    "pooling",
    {"x": ("torch.randn", "$b, 8, 24, 24")},
    "return F.avg_pool2d(x, 3) + F.max_pool2d(x, 3)",
    {
        "windows": "v = x.view($b, 8, 8, 3, 8, 3)\nreturn v.mean((3, 5)) + v.amax((3, 5))",
        "separable": "v = x.view($b, 8, 8, 3, 8, 3)\nreturn v.mean(3).mean(-1) + v.amax(3).amax(-1)",
        "unfolded": """
            v = F.unfold(x.reshape(-1, 1, 24, 24), 3, stride=3)
            return (v.mean(1) + v.amax(1)).view($b, 8, 8, 8)
        """,
        "convolution": "return F.conv2d(x, torch.full((8, 1, 3, 3), 1 / 9), stride=3, groups=8) + F.max_pool2d(x, 3)",
        "adaptive": "return F.adaptive_avg_pool2d(x, 8) + F.adaptive_max_pool2d(x, 8)",
    },
    ({"b": 2},),
)

UPSAMPLE = Family(
    "upsample",
    {"x": ("torch.rand", "$b, 4, 10, 10")},
    "return F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)",
    {
        "products": """
            at = ((torch.arange(20) + 0.5) / 2 - 0.5).clamp(0, 9)
            low = at.floor().long()
            high, part = (low + 1).clamp(max=9), at - low
            m = torch.zeros(20, 10)
            m[torch.arange(20), low] += 1 - part
            m[torch.arange(20), high] += part
            return m @ x @ m.t()
        """,
        "double": "return F.interpolate(x.double(), scale_factor=2, mode='bilinear', align_corners=False).float()",
    },
    ({"b": 2},),
)

FAMILIES = [LONG, CONV, DEPTHWISE, POOLING, UPSAMPLE]
