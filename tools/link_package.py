"""Makes `import burnish` in this virtual environment find the sources of this checkout."""

import pathlib
import sysconfig

source = pathlib.Path(__file__).resolve().parent.parent / "python"
link = pathlib.Path(sysconfig.get_path("purelib")) / "burnish-checkout.pth"
link.write_text(f"{source}\n", encoding="utf-8")
