import functools
import gc
import importlib.util
import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from filelock import FileLock
from mmengine.config import config as config_module

from poselifter.apis.zoo import TINY_MODEL
from poselifter.cli import main
from poselifter.errors import run_program

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items):
    """Long tests come first, so that no worker has to wait for one of another at the end."""
    items.sort(key=lambda item: item.get_closest_marker('slow') is None)


@pytest.fixture
def told(record_property):
    """Says a line at the end of the run, whichever process the test runs in."""
    return lambda text: record_property('told', text)


def pytest_terminal_summary(terminalreporter):
    """Lines that tests told, and the sum of the inputs that they tried."""
    ends = [report for report in terminalreporter.stats.get('', ()) if report.when == 'teardown']
    properties = [entry for report in ends for entry in report.user_properties]
    for _, text in (entry for entry in properties if entry[0] == 'told'):
        terminalreporter.write_line(text)
    tried = sum((Counter(value) for key, value in properties if key == 'tried'), Counter())
    if tried:
        outcomes = ', '.join(f'{number} {outcome}' for outcome, number in sorted(tried.items()))
        terminalreporter.write_line(f'odd and damaged inputs: {outcomes}')


@pytest.fixture(scope='session')
def repository() -> Path:
    """The repository's root."""
    return REPOSITORY


@pytest.fixture(scope='session')
def data_dir() -> Path:
    """Small files that belong to the tests."""
    return REPOSITORY / 'tests' / 'data'


@pytest.fixture(scope='session')
def shared() -> Path:
    """The folder of parity cases and mocap data beside the checkout; tests skip where it is absent."""
    folder = REPOSITORY.parent / 'shared'
    if not folder.is_dir():
        pytest.skip('needs the parity cases in ../shared, which are not part of the repository')
    return folder


@pytest.fixture(scope='session')
def published(shared):
    """Loads the arrays of a published program's function: ``published('mixste', 'flip')``."""
    return lambda system, name: np.load(shared / f'fixtures/parity/{system}/functions/{name}.npz')


class Counted(NamedTuple):
    """A published model on the meta device, the counts of ``tools/analysis_tools/get_flops.py``, and its output."""

    model: torch.nn.Module
    row: dict[str, Any]
    output: Any


@pytest.fixture(scope='session')
def load_module():
    """Imports a Python file that is no part of a package: ``load_module('tools/test.py')``."""

    def load(path: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f'{Path(path).stem}_under_test', REPOSITORY / path)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # workers look their functions up
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope='session')
def counted(load_module):
    """A model of ``list_models()`` by its name; each is built and counted once for all tests, which takes seconds."""
    get_flops = load_module('tools/analysis_tools/get_flops.py')
    build = get_flops.build

    @functools.cache
    def count(name: str) -> Counted:
        with torch.device('meta'):
            model = build(name)
        outputs = []
        hook = model.register_forward_hook(lambda *call: outputs.append(call[-1]))
        get_flops.build = lambda *_, **__: model
        row = get_flops.count(name)
        hook.remove()
        return Counted(model, row, outputs[0])

    return count


@pytest.fixture(scope='session')
def toy_root(tmp_path_factory) -> Path:
    """A data folder with toy files of every data set; only to read from."""
    from toy_datasets.root import write_root

    return write_root(tmp_path_factory.mktemp('data'))


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(0)


@pytest.fixture
def fails(capsys):
    """Runs a program that must end with status 2 and one line; returns the line."""

    def run(main, *argv):
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            run_program(main, [str(a) for a in argv])
        assert stop.value.code == 2
        lines = capsys.readouterr().err.strip().splitlines()
        lines = [line for line in lines if 'Warning' not in line and not line.startswith('  ')]
        assert len(lines) == 1 and lines[0].startswith('error: ')
        return lines[0]

    return run


@pytest.fixture(scope='session')
def small_lifter(tmp_path_factory) -> Path:
    """The tiny model of the zoo as the command exports it, once for all processes that test."""
    pytest.importorskip('onnxscript')
    folder = tmp_path_factory.getbasetemp()
    path = (folder.parent if 'PYTEST_XDIST_WORKER' in os.environ else folder) / 'small_lifter.onnx'
    with FileLock(f'{path}.lock'):
        if not path.exists():
            main(['export', TINY_MODEL, '--json', '-o', str(path)])
    return path


@pytest.fixture(scope='session')
def browser_path() -> str:
    """The program of a browser; skipped where there is none."""
    names = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip('needs chromium in PATH: apt-get install chromium')
    return path


@pytest.fixture(scope='module')
def browser(browser_path):
    """A browser without a window."""
    playwright = pytest.importorskip('playwright.sync_api', reason='needs playwright: pip install playwright')
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=['--no-sandbox', '--use-angle=swiftshader'])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def one_thread():
    """Small tests gain nothing from threads, and results must not depend on their number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True, scope='session')
def plain_configs():
    """A runner has yapf format its config for every file it writes, which takes longer than a toy's training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config_module, 'FormatCode', lambda text, **style: (text, True))
        yield


_frozen = set()


@pytest.fixture(autouse=True)
def frozen_imports():
    """mmengine collects garbage for every data set, which takes 0.2 s where it looks at all that is imported."""
    if len(sys.modules) not in _frozen:
        gc.collect()
        gc.freeze()
        _frozen.add(len(sys.modules))
