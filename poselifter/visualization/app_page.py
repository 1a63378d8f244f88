"""The application that lifts in the browser: a page and its programs as files, which any web server may serve."""

import base64
import hashlib
import json
from pathlib import Path

from .html import colour_sheet

_ASSETS = Path(__file__).with_name('assets')
_SHARED = ('three.module.min.js', 'three.LICENSE', 'OrbitControls.min.js', 'figures.js', 'stage.js')
_IMPORTS = {
    'three': './three.module.min.js',
    'three/controls': './OrbitControls.min.js',
    'figures': './figures.js',
    'stage': './stage.js',
}


def page_files() -> tuple[dict[str, bytes | Path], str]:
    """Files of the page by name, without networks and ``facts.json``, and its content security policy.

    The policy, which the page holds, too, lets nothing run or be asked for that is not in the folder.
    """
    imports = json.dumps({'imports': _IMPORTS})
    digest = base64.b64encode(hashlib.sha256(imports.encode()).digest()).decode()
    policy = '; '.join(
        [
            "default-src 'none'",
            f"script-src 'self' 'wasm-unsafe-eval' 'sha256-{digest}'",
            "style-src 'self'",
            'img-src data:',
            'media-src blob:',
            "connect-src 'self'",
            "worker-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    files: dict[str, bytes | Path] = {name: _ASSETS / name for name in _SHARED}
    for folder in ('app', 'onnxruntime'):
        files |= {path.name: path for path in sorted((_ASSETS / folder).iterdir())}
    page = files['index.html'].read_text(encoding='utf-8')
    files['index.html'] = page.replace('{{policy}}', policy).replace('{{imports}}', imports).encode()
    sheets = [(_ASSETS / name).read_text(encoding='utf-8') for name in ('viewer.css', 'app/style.css')]
    files['style.css'] = '\n'.join([colour_sheet(), *sheets]).encode()
    return files, policy
