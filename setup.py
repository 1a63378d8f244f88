"""Installs poselifter; settings of the tools stand in pyproject.toml."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SHIPPED = ('configs', 'demo', 'tools', 'zoo', 'model-index.yml')  # as OpenMMLab's packages carry them in .mim


def requirements(name):
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def read_me():
    """README without its picture and links to files, which lead nowhere outside the repository."""
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    text = re.sub(r'^!\[[^\]]*\]\((?!http)[^)]*\)\n+', '', text, flags=re.M)
    return re.sub(r'\[([^\]]*)\]\((?!http)[^)]*\)', r'\1', text)


class BuildWithFiles(build_py):
    """Puts configs, tools, demo clip and zoo beside the code; an editable install reads the repository's own."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / 'poselifter' / '.mim'
        for name in SHIPPED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, target / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns('__pycache__'))
            elif source.is_file():
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target / name)


EXTRAS = {  # by what they bring
    'biomech': ['ezc3d>=1.5.18'],
    'coco': ['pycocotools>=2.0.8'],
    'export': ['onnx>=1.21', 'onnxruntime>=1.18', 'onnxscript>=0.6'],
    'formats': ['ezc3d>=1.5.18', 'h5py>=3.10'],
    'mesh': ['smplx>=0.1.28', 'trimesh>=4.5'],
    'text': ['transformers>=5.3,<6'],
    'video': ['av>=14.1', 'imageio-ffmpeg>=0.5', 'onnxruntime>=1.18'],
}
version = {}
exec((ROOT / 'poselifter' / 'version.py').read_text(), version)

setup(
    name='poselifter',
    version=version['__version__'],
    description='A toolbox for human motion from 2D keypoints',
    long_description=read_me(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    classifiers=[f'Programming Language :: Python :: 3.{minor}' for minor in range(10, 14)],  # as tried
    packages=find_packages(include=['poselifter', 'poselifter.*']),
    package_data={
        'poselifter': [
            'py.typed',
            'datasets/*.json',
            'datasets/procedural/*.yml',
            'skeletons/*.json',
            'tracking/*.json',
            'visualization/assets/*',
            'visualization/assets/*/*',
        ]
    },
    cmdclass={'build_py': BuildWithFiles},
    install_requires=requirements('runtime'),
    extras_require={
        **EXTRAS,
        # but text, whose package demands narrow ranges of others
        'all': sorted({package for name in EXTRAS if name != 'text' for package in EXTRAS[name]}),
        'docs': requirements('docs'),
        'optional': requirements('optional'),
        'anny': ['anny==0.6.2'],
        'ray': ['ray[data]>=2.51'],  # half a gigabyte
        'tests': requirements('tests') + requirements('docs'),
    },
    entry_points={'console_scripts': ['poselifter = poselifter.cli:main']},
)
