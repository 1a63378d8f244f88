"""A moving body for 3D programs: glTF in one binary file."""

from pathlib import Path
from typing import Any

import numpy as np

from ...geometry import matrix_to_quaternion, vertex_normals
from ...registry import register_writer
from ...skeletons import get_skeleton
from ...structures import MovingBody, Result
from ...utils import atomic_write
from .bodies import Y_UP, turned

_NUMBERS = {'float32': 5126, 'uint32': 5125, 'uint8': 5121}  # glTF's numbers of types
_SHAPES = {(): 'SCALAR', (3,): 'VEC3', (4,): 'VEC4', (4, 4): 'MAT4'}


@register_writer('glb', '.glb', ('body',), ('pygltflib', 'poselifter[mesh]'))
def write_glb(path: Path, result: Result) -> None:
    """An animated glTF binary, which Blender, game engines and browsers play; y up.

    It has linear skinning with the four strongest bones of a vertex: pose blend shapes are left out.
    """
    document = _Document()
    document.add_skin(result.body)
    document.add_motion(result.body, result.fps)
    document.save(path)


class _Document:
    """A glTF document and its one buffer."""

    def __init__(self) -> None:
        import pygltflib

        self.gltf, self.chunks = pygltflib, []
        self.document = pygltflib.GLTF2(asset=pygltflib.Asset(generator='poselifter'))

    def add_array(self, array: Any, kind: str = 'float32', bounds: bool = False) -> int:
        """Puts an array into the buffer; returns its number."""
        array = np.ascontiguousarray(array, kind)
        data = array.tobytes()
        view = self.gltf.BufferView(buffer=0, byteOffset=sum(map(len, self.chunks)), byteLength=len(data))
        self.chunks.append(data + bytes(-len(data) % 4))
        self.document.bufferViews.append(view)
        accessor = self.gltf.Accessor(
            bufferView=len(self.document.bufferViews) - 1,
            componentType=_NUMBERS[kind],
            count=len(array),
            type=_SHAPES[array.shape[1:]],
        )
        if bounds:
            accessor.min, accessor.max = (np.atleast_1d(f(array, 0)).tolist() for f in (np.min, np.max))
        self.document.accessors.append(accessor)
        return len(self.document.accessors) - 1

    def add_skin(self, body: MovingBody) -> None:
        """A node for each bone, then one with the mesh."""
        gltf, document, joints = self.gltf, self.document, body.rest_joints
        bones, fractions = body.strongest_bones()
        attributes = gltf.Attributes(
            POSITION=self.add_array(body.rest_vertices, bounds=True),
            NORMAL=self.add_array(vertex_normals(body.rest_vertices, body.surface)),
            JOINTS_0=self.add_array(bones, 'uint8'),
            WEIGHTS_0=self.add_array(fractions),
        )
        document.materials = [gltf.Material(pbrMetallicRoughness=gltf.PbrMetallicRoughness(metallicFactor=0.0))]
        indices = self.add_array(body.surface.ravel(), 'uint32')
        document.meshes = [gltf.Mesh(primitives=[gltf.Primitive(attributes=attributes, indices=indices, material=0)])]
        skeleton = get_skeleton(body.skeleton)
        parents = np.asarray(skeleton.parents)
        for k, name in enumerate(skeleton.joint_names):
            start = joints[k] - (joints[parents[k]] if k else 0)
            children = np.flatnonzero(parents == k).tolist()
            document.nodes.append(gltf.Node(name=name, translation=start.tolist(), children=children))
        document.nodes.append(gltf.Node(name='body', mesh=0, skin=0))
        inverse = np.tile(np.eye(4), (len(joints), 1, 1))
        inverse[:, 3, :3] = -joints  # column-major, so the last row is the shift
        numbers = list(range(len(joints)))
        document.skins = [gltf.Skin(inverseBindMatrices=self.add_array(inverse), joints=numbers, skeleton=0)]
        document.scenes, document.scene = [gltf.Scene(nodes=[0, len(joints)])], 0

    def add_motion(self, body: MovingBody, fps: float) -> None:
        """Adds the translations of the root and the rotations of each bone."""
        rotations, trans = turned(body, Y_UP)
        quaternions = np.roll(matrix_to_quaternion(rotations), -1, -1)  # x, y, z, w
        times = self.add_array(np.arange(len(trans)) / fps, bounds=True)
        channels = [(0, 'translation', body.rest_joints[:1] + trans)]
        channels += [(k, 'rotation', _continuous(quaternions[:, k])) for k in range(quaternions.shape[1])]
        animation = self.gltf.Animation(name='motion')
        for number, (node, moved, values) in enumerate(channels):
            animation.samplers.append(self.gltf.AnimationSampler(input=times, output=self.add_array(values)))
            target = self.gltf.AnimationChannelTarget(node=node, path=moved)
            animation.channels.append(self.gltf.AnimationChannel(sampler=number, target=target))
        self.document.animations = [animation]

    def save(self, path: Path) -> None:
        """Writes the file, whole or not at all."""
        blob = b''.join(self.chunks)
        self.document.buffers = [self.gltf.Buffer(byteLength=len(blob))]
        self.document.set_binary_blob(blob)
        with atomic_write(path) as temporary:
            self.document.save_binary(str(temporary))


def _continuous(quaternions: np.ndarray) -> np.ndarray:
    """The same rotations (T, 4), each on the side of the one before, so that programs mix them the short way."""
    flips = (quaternions[1:] * quaternions[:-1]).sum(-1) < 0
    return quaternions * np.where(np.r_[0, np.cumsum(flips)] % 2, -1, 1)[:, None]
