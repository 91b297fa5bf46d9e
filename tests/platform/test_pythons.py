"""Spyne is imported and a WSDL published on every Python that the product runs on and that is here."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

_PACKAGES = ("legacy-cgi", "lxml", "pytz", "six", "spyne")
_CODE = """
from gateway.spyne_names import Application, ComplexModel, MethodContext, Service, Soap11, Unicode, Wsdl11, rpc
class Thing(ComplexModel):
    name = Unicode
class Things(Service):
    @rpc(Thing, _returns=Thing)
    def find(context, request):
        return request
application = Application([Things], tns="urn:x", in_protocol=Soap11(), out_protocol=Soap11())
application.transport = "http://schemas.xmlsoap.org/soap/http"
wsdl = Wsdl11(application.interface, element_form_default="unqualified")
wsdl.build_interface_document("http://localhost/")
print(wsdl.root_elt.get("targetNamespace"))
"""


@pytest.mark.soak
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_spyne_is_imported(version: str, tmp_path: Path) -> None:
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"Python {version} does not run here")
    pinned = (settings.BASE_DIR / "requirements.txt").read_text().splitlines()
    wanted = [line for line in pinned if re.split("[=;[]", line)[0] in _PACKAGES]
    assert len(wanted) == len(_PACKAGES)
    subprocess.run([python, "-m", "venv", str(tmp_path)], check=True, timeout=120)
    (tmp_path / "wanted.txt").write_text("\n".join(wanted))
    inner = str(tmp_path / "bin" / "python")
    install = [inner, "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(tmp_path / "wanted.txt")]
    subprocess.run(install, check=True, timeout=300)
    done = subprocess.run(
        [inner, "-c", _CODE], cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "urn:x\n"), done.stderr
