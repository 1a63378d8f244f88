"""Draws the pictures of the documentation into docs/images.

    python docs/pictures.py [motion] [tour] [skeletons] [rooms]

``motion`` lifts a film that belongs to the tests and fits a body to each person, which takes a minute; ``tour`` runs
commands of tour.md, of which one needs the CMU data, and makes their pictures smaller; ``skeletons`` draws the joint
sets, and ``rooms`` the rooms of the package from the table that tests/test_architecture.py holds the imports to.
"""

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

matplotlib.use('Agg')
import matplotlib.pyplot as plt

from poselifter.apis import fit_body_to_poses
from poselifter.cli import main as poselifter
from poselifter.detection import open_frames
from poselifter.io import read_result
from poselifter.skeletons import get_skeleton, list_skeletons
from poselifter.visualization.body import BodyPanel
from poselifter.visualization.crowd import Crowd
from poselifter.visualization.panels import COLOURS, FigurePanel, FilmPanel
from poselifter.visualization.sheet import Sheet, shrink

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / 'docs/images'
SIDES = {side: tuple(value / 255 for value in COLOURS[side]) for side in ('left', 'right', 'centre')}
# where a joint of the left side is drawn; the right side is the mirror image, the middle has x = 0
PLACES = {
    'pelvis': (0, 0), 'mid_hip': (0, 0), 'hip': (0.12, -0.02), 'knee': (0.15, -0.45), 'ankle': (0.16, -0.84),
    'heel': (0.07, -0.93), 'big_toe': (0.16, -1.02), 'small_toe': (0.27, -0.97),
    'foot_index': (0.2, -1.02), 'foot': (0.2, -0.99),
    'spine': (0, 0.22), 'spine1': (0, 0.12), 'spine2': (0, 0.24), 'spine3': (0, 0.36), 'thorax': (0, 0.47),
    'neck': (0, 0.48), 'nose': (0, 0.66), 'head': (0, 0.66), 'head_top': (0, 0.84), 'collar': (0.1, 0.44),
    'shoulder': (0.22, 0.45), 'elbow': (0.42, 0.25), 'wrist': (0.58, 0.02), 'hand': (0.66, -0.09),
    'thumb': (0.53, -0.1), 'index': (0.64, -0.14), 'pinky': (0.73, -0.06), 'eye': (0.135, 0.8),
    'eye_inner': (0.05, 0.78), 'eye_outer': (0.22, 0.77), 'ear': (0.26, 0.67), 'mouth': (0.06, 0.57),
    'hips': (0, 0), 'spine_base': (0, 0), 'chest': (0, 0.24), 'spine_mid': (0, 0.22), 'spine4': (0, 0.4),
    'spine_shoulder': (0, 0.4), 'head_bottom': (0, 0.5), 'upper_neck': (0, 0.58), 'clavicle': (0.1, 0.44),
    'thigh': (0.12, -0.02), 'shin': (0.15, -0.45), 'upper_arm': (0.22, 0.45), 'forearm': (0.42, 0.25),
    'toe': (0.2, -1.02), 'toe_base': (0.18, -0.96), 'toe_end': (0.24, -1.06),
    'hand_tip': (0.76, -0.2), 'hand_end': (0.76, -0.2), 'thumb_end': (0.5, -0.23),
}  # fmt: skip
for angle, finger in zip((225, 255, 285, 315, 345), ('thumb', 'index', 'middle', 'ring', 'pinky'), strict=True):
    turn = np.radians(angle)
    for k, far in enumerate((0.19, 0.31, 0.43), 1):
        PLACES[f'{finger}{k}'] = (0.58 + far * np.cos(turn), 0.02 + far * np.sin(turn))
# where others of the same set lie at the same place
APART = {
    ('h36m32', 'spine_base'): (0, 0.1), ('bones20', 'spine'): (0, 0.11),
    ('bones20', 'spine1'): (0, 0.22), ('bones20', 'spine2'): (0, 0.33), ('ntu25', 'spine_shoulder'): (0, 0.36),
    ('mpi_inf_3dhp28', 'spine2'): (0, 0.12), ('mpi_inf_3dhp28', 'spine'): (0, 0.22),
    ('mpi_inf_3dhp28', 'spine3'): (0, 0.33), ('mpi_inf_3dhp28', 'spine4'): (0, 0.44),
    ('mpi_inf_3dhp28', 'neck'): (0, 0.55), ('mpi_inf_3dhp28', 'left_foot'): (0.17, -0.95),
    ('mpi_inf_3dhp28', 'right_foot'): (0.17, -0.95), ('mpi_inf_3dhp28', 'left_toe'): (0.24, -1.06),
    ('mpi_inf_3dhp28', 'right_toe'): (0.24, -1.06), ('ntu25', 'neck'): (0, 0.5),
}  # fmt: skip


def place(name: str, joint_set: str) -> tuple[float, float]:
    """Where a joint of a set is drawn; the person faces the reader, so the left is on the right."""
    side, _, rest = name.partition('_')
    x, y = APART.get((joint_set, name)) or PLACES[rest if side in ('left', 'right') else name]
    return {'left': x, 'right': -x}.get(side, 0), y


def spread(points: np.ndarray, least: float) -> np.ndarray:
    """Points (N, 2) of which those that were nearer to each other than ``least`` are pushed apart."""
    for _ in range(500):
        steps = points[:, None] - points
        far = np.linalg.norm(steps, axis=-1, keepdims=True) + np.eye(len(points))[..., None]
        pushes = steps / far * np.maximum(least - far, 0)
        points = points + 0.3 * pushes.sum(1)
    return points


def draw_skeletons(path: Path) -> None:
    """Joint sets with the numbers of their joints, to be read where the page is 690 pixels wide."""
    names = list_skeletons()
    figure, axes = plt.subplots(-(-len(names) // 2), 2, figsize=(6.9, 43))
    for axis in axes.flat:
        axis.axis('off')
    for axis, name in zip(axes.flat, names, strict=False):
        skeleton = get_skeleton(name)
        points = spread(np.array([place(joint, name) for joint in skeleton.joint_names]), 0.112)
        for a, b in skeleton.edges:
            axis.plot(*points[[a, b]].T, color='#c5ccd6', linewidth=2, zorder=1, solid_capstyle='round')
        for number, (point, side) in enumerate(zip(points, skeleton.sides, strict=True)):
            axis.add_patch(plt.Circle(point, 0.052, color=SIDES[side], linewidth=0, zorder=2))
            axis.text(*point, str(number), color='white', fontsize=8, ha='center', va='center_baseline', zorder=3)
        axis.set(xlim=(-1.07, 1.07), ylim=(-1.16, 0.96), aspect='equal')
        axis.set_title(name, fontsize=12, y=0.97)
    figure.subplots_adjust(0, 0, 1, 0.995, 0, 0.03)
    figure.savefig(path, dpi=200)
    Image.open(path).quantize(32).save(path, optimize=True)


def draw_rooms(path: Path) -> None:
    """The floors of the package, ground first, with their rooms."""
    tree = ast.parse((ROOT / 'tests/test_architecture.py').read_text(encoding='utf-8'))
    [floors] = [n.value for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == 'FLOORS']
    rows = [sorted(rooms) for rooms in ast.literal_eval(floors)]
    figure, axis = plt.subplots(figsize=(12, 5.4))
    for level, rooms in enumerate(rows):
        width = 12 / len(rooms)
        axis.text(-0.15, level + 0.42, f'floor {level}', ha='right', va='center', color='#66707d', fontsize=11)
        for column, name in enumerate(rooms):
            box = plt.Rectangle((column * width + 0.04, level + 0.06), width - 0.08, 0.74, color='#e5ecf6')
            axis.add_patch(box)
            label = name.replace('.', '.\n')
            axis.text((column + 0.5) * width, level + 0.43, label, ha='center', va='center', fontsize=11)
    axis.set(xlim=(-1.1, 12.05), ylim=(0, len(rows)))
    axis.axis('off')
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    said = PngInfo()
    said.add_text('floors', repr(rows))  # by which tests/test_architecture.py knows whether the picture is of today
    Image.open(path).quantize(32).save(path, optimize=True, pnginfo=said)


def bodies_of(path: Path, lifted: Crowd, upright: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (T, V, 3) and faces of all persons of a result that was lifted with a world; NaN where nobody is."""
    every, faces, before = [], [], 0
    for person in fit_body_to_poses(path):
        body, frames = person['result'].body, person['result'].table.frame_indices
        vertices = np.full((len(lifted.frames), len(body.rest_vertices), 3), np.nan)
        vertices[np.searchsorted(lifted.frames, frames)] = body.vertices() @ upright.T
        every.append(vertices)
        faces.append(body.surface + before)
        before += len(body.rest_vertices)
    return np.concatenate(every, 1), np.concatenate(faces)


def draw_motion(path: Path) -> None:
    """A film with 2D keypoints, the lifted poses and the bodies, as a moving picture."""
    film = ROOT / 'tests/data/two_persons.mp4'
    with tempfile.TemporaryDirectory() as folder:
        poselifter(['lift', str(film), '--world', '--formats', 'npz', '-o', folder])
        result = read_result(Path(folder) / 'two_persons.npz')
        crowd = Crowd(result)
        down = (
            np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]) @ result.world_from_camera[:3, :3]
        )  # y down, as panels take it
        vertices, faces = bodies_of(Path(folder) / 'two_persons.npz', crowd, down)
    film_size, size, edge = (504, 880), (760, 880), 28
    panels = {
        'film': FilmPanel(crowd.keypoints(), film_size, open_frames(film)),
        '3D motion': FigurePanel(crowd.poses(), get_skeleton(result.skeleton_3d), size),
        'bodies': BodyPanel(vertices, faces, size),
    }
    sheet = Sheet([film_size[0], size[0], size[0]], [size[1]], edge, edge, 2 * edge, 26)
    images = []
    for frame in range(len(crowd.frames)):
        canvas = sheet.blank(False)
        for column, (title, panel) in enumerate(panels.items()):
            sheet.put(canvas, 0, column, panel.draw(frame), title if column else '')
        images.append(Image.fromarray(shrink(canvas, 2)))
    first, *others = (
        image.resize((900, 900 * image.height // image.width), Image.Resampling.LANCZOS) for image in images
    )
    first.save(
        path, save_all=True, append_images=others, duration=round(1000 / result.fps), loop=0, quality=50, method=6
    )


def shrink_picture(source: Path, path: Path) -> None:
    """A PNG of 1200 pixels in 96 colours."""
    image = Image.open(source).convert('RGB')
    image.resize((1200, 1200 * image.height // image.width), Image.Resampling.LANCZOS).quantize(96).save(
        path, optimize=True
    )


def draw_tour(folder: Path) -> None:
    """What the commands of tour.md draw."""
    film, config = ROOT / 'tests/data/two_persons.mp4', ROOT / 'configs/mixste'
    with tempfile.TemporaryDirectory() as out:
        poselifter(['lift', str(film), '--world', '--formats', 'npz,png', '-o', out])
        tool = [sys.executable, str(ROOT / 'tools/misc/browse_dataset.py')]
        subprocess.run([*tool, config / 'procedural_27.py', '--output-dir', f'{out}/browse'], check=True)
        tool = [sys.executable, str(ROOT / 'tools/analysis_tools/visualize_attention.py')]
        subprocess.run([*tool, config / 'cmu_27.py', 'mixste_cmu_27', '--out', f'{out}/attention'], check=True)
        shrink_picture(Path(out) / 'two_persons.png', folder / 'two_persons.png')
        shrink_picture(min((Path(out) / 'browse').glob('*.png')), folder / 'sample.png')
        shrink_picture(Path(out) / 'attention/layer02_spatial_1.png', folder / 'attention.png')


PICTURES = {
    'motion': lambda: draw_motion(IMAGES / 'motion.webp'),
    'tour': lambda: draw_tour(IMAGES),
    'skeletons': lambda: draw_skeletons(IMAGES / 'skeletons.png'),
    'rooms': lambda: draw_rooms(IMAGES / 'rooms.png'),
}

if __name__ == '__main__':
    for name in sys.argv[1:] or PICTURES:
        PICTURES[name]()
