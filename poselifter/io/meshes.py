"""Bodies in the files of 3D programs: a mesh for each frame, or one that moves."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry import matrix_to_quaternion, vertex_normals
from ..utils import atomic_write

_ARRAYS = {'float32': 5126, 'uint32': 5125, 'uint8': 5121}  # glTF's numbers of types
_SHAPES = {(): 'SCALAR', (3,): 'VEC3', (4,): 'VEC4', (4, 4): 'MAT4'}


@dataclass(frozen=True)
class MovingMesh:
    """A skinned mesh in motion; y up.

    Attributes:
        vertices: (V, 3) metres, the rest pose.
        faces: (F, 3).
        weights: (V, K) of the bones, rows sum to 1.
        joints: (K, 3) metres, the rest pose.
        parents: K numbers, -1 for the root, which comes first.
        rotations: (T, K, 3, 3), each joint relative to its parent.
        trans: (T, 3) metres, added to all vertices.
        fps: frames a second.
        joint_names: K names.
    """

    vertices: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    joints: np.ndarray
    parents: Sequence[int]
    rotations: np.ndarray
    trans: np.ndarray
    fps: float
    joint_names: Sequence[str]


def write_frames(folder: str | os.PathLike, vertices: np.ndarray, faces: np.ndarray, suffix: str) -> list[Path]:
    """Writes ``<folder>/00000.<suffix>`` and so on.

    Args:
        folder: is made where it is missing.
        vertices: (T, V, 3).
        faces: (F, 3).
        suffix: ``'obj'``, ``'ply'``, or another that trimesh writes.

    Returns:
        The T files.

    Raises:
        InputError: trimesh is not installed, or the folder cannot be written to.
    """
    try:
        import trimesh
    except ImportError:
        raise InputError('meshes need trimesh, which is not installed; run: pip install poselifter[mesh]') from None
    paths = [Path(folder) / f'{t:05d}.{suffix}' for t in range(len(vertices))]
    for path, points in zip(paths, vertices, strict=True):
        with atomic_write(path) as temporary:
            trimesh.Trimesh(points, faces, process=False).export(temporary)
    return paths


def write_glb(path: str | os.PathLike, mesh: MovingMesh) -> None:
    """Writes an animated glTF binary, which Blender, game engines and browsers play.

    It has linear skinning with the four strongest bones of a vertex: pose blend
    shapes are left out.

    Args:
        path: the file.
        mesh: what to write.

    Raises:
        InputError: pygltflib is not installed, or the file cannot be written.
    """
    try:
        import pygltflib as gltf
    except ImportError:
        raise InputError('GLB needs pygltflib, which is not installed; run: pip install poselifter[mesh]') from None
    strongest = np.argsort(-mesh.weights, 1)[:, :4]
    shares = np.take_along_axis(mesh.weights, strongest, 1)
    inverse = np.tile(np.eye(4), (len(mesh.joints), 1, 1))
    inverse[:, 3, :3] = -mesh.joints  # column-major, so the last row is the shift
    turns = np.roll(matrix_to_quaternion(mesh.rotations), -1, -1)  # x, y, z, w
    turns = [_continuous(turns[:, k]) for k in range(turns.shape[1])]
    places = mesh.joints[:1] + mesh.trans
    document, chunks = gltf.GLTF2(asset=gltf.Asset(generator='poselifter')), []

    def add(array: Any, kind: str = 'float32', bounds: bool = False) -> int:
        return _add(gltf, document, chunks, np.ascontiguousarray(array, kind), bounds)

    shape = gltf.Attributes(
        POSITION=add(mesh.vertices, bounds=True),
        NORMAL=add(vertex_normals(mesh.vertices, mesh.faces)),
        JOINTS_0=add(strongest, 'uint8'),
        WEIGHTS_0=add(shares / shares.sum(1, keepdims=True)),
    )
    document.materials = [gltf.Material(pbrMetallicRoughness=gltf.PbrMetallicRoughness(metallicFactor=0.0))]
    surface = gltf.Primitive(attributes=shape, indices=add(mesh.faces.ravel(), 'uint32'), material=0)
    document.meshes = [gltf.Mesh(primitives=[surface])]
    count, parents = len(mesh.joints), np.asarray(mesh.parents)
    for k, name in enumerate(mesh.joint_names):
        start = mesh.joints[k] - (mesh.joints[parents[k]] if k else 0)
        children = np.flatnonzero(parents == k).tolist()
        document.nodes.append(gltf.Node(name=name, translation=start.tolist(), children=children))
    document.nodes.append(gltf.Node(name='body', mesh=0, skin=0))
    document.skins = [gltf.Skin(inverseBindMatrices=add(inverse), joints=list(range(count)), skeleton=0)]
    document.scenes, document.scene = [gltf.Scene(nodes=[0, count])], 0
    times, animation = add(np.arange(len(places)) / mesh.fps, bounds=True), gltf.Animation(name='motion')
    for k, (values, moved) in enumerate([(places, 'translation'), *((turn, 'rotation') for turn in turns)]):
        animation.samplers.append(gltf.AnimationSampler(input=times, output=add(values)))
        target = gltf.AnimationChannelTarget(node=max(k - 1, 0), path=moved)
        animation.channels.append(gltf.AnimationChannel(sampler=k, target=target))
    document.animations = [animation]
    blob = b''.join(chunks)
    document.buffers = [gltf.Buffer(byteLength=len(blob))]
    document.set_binary_blob(blob)
    with atomic_write(path) as temporary:
        document.save_binary(str(temporary))


def _add(gltf: Any, document: Any, chunks: list[bytes], array: np.ndarray, bounds: bool) -> int:
    """Puts an array into the file's buffer; returns its number."""
    data = array.tobytes()
    view = gltf.BufferView(buffer=0, byteOffset=sum(map(len, chunks)), byteLength=len(data))
    chunks.append(data + bytes(-len(data) % 4))
    document.bufferViews.append(view)
    accessor = gltf.Accessor(
        bufferView=len(document.bufferViews) - 1,
        componentType=_ARRAYS[array.dtype.name],
        count=len(array),
        type=_SHAPES[array.shape[1:]],
    )
    if bounds:
        accessor.min, accessor.max = (np.atleast_1d(f(array, 0)).tolist() for f in (np.min, np.max))
    document.accessors.append(accessor)
    return len(document.accessors) - 1


def _continuous(quaternions: np.ndarray) -> np.ndarray:
    """The same rotations (T, 4), each on the side of the one before, so that programs mix them the short way."""
    flips = (quaternions[1:] * quaternions[:-1]).sum(-1) < 0
    return quaternions * np.where(np.r_[0, np.cumsum(flips)] % 2, -1, 1)[:, None]
