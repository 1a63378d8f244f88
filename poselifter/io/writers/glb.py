"""Moving bodies and skeletons for 3D programs: glTF in one binary file."""

import json
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...geometry import matrix_to_quaternion, vertex_normals
from ...geometry.inverse_kinematics import Armature
from ...light_registry import register_writer
from ...structures import Result
from ...utils import atomic_write, release_memory
from .bodies import turned
from .motion import every_person, motion_of, write_each_person, y_up_of_camera

_NUMBERS = {'float32': 5126, 'uint32': 5125, 'uint8': 5121}  # glTF's numbers of types
_SHAPES = {(): 'SCALAR', (3,): 'VEC3', (4,): 'VEC4', (4, 4): 'MAT4'}
_VRM = 'VRMC_vrm_animation'
_VRM_NAMES = {
    'Spine1': 'Chest', 'Spine2': 'UpperChest', 'UpLeg': 'UpperLeg', 'Leg': 'LowerLeg', 'ToeBase': 'Toes',
    'Arm': 'UpperArm', 'ForeArm': 'LowerArm',
}  # fmt: skip
_VERTICES, _INDICES = 34962, 34963  # likewise of what a buffer is for
_COLOURS = {'Left': (0.87, 0.14, 0.0), 'Right': (0.01, 0.16, 0.78), '': (0.05, 0.07, 0.12)}  # linear, as the pictures'


@register_writer('glb', '.glb', ('poses', 'body'))
def write_glb(path: Path, result: Result) -> None:
    """An animated glTF binary, which Blender, game engines and browsers play; y up.

    A body has linear skinning with the four strongest bones of a vertex: pose blend shapes are left out. Of joints
    alone each person is a skeleton of bones at rest in a T pose, each with a solid that shows it.
    """
    document = _Document()
    if result.body is not None:
        _add_body(document, result)
    else:
        for track, seconds, motion in every_person(result):
            bones = motion.armature
            root = document.add_bones(bones.names, bones.parents, bones.heads(), f'person {track}')
            vertices, owners, colours = _solids(bones)
            weights = np.tile([1.0, 0, 0, 0], (len(owners), 1))
            faces = np.arange(len(vertices)).reshape(-1, 3)
            skin = owners[:, None] * np.array([1, 0, 0, 0]), weights
            heads = bones.heads()
            binds = np.concatenate([np.tile(np.eye(3), (len(heads), 1, 1)), -heads[..., None]], -1)
            document.add_skin(root, binds, vertices, faces, skin, colours)
            document.add_motion(root, seconds, motion.root, motion.local_rotations())
            del motion, bones  # of an hour two take much room
            release_memory()
    document.save(path)


@register_writer('vrma', '.vrma', ('poses', 'body'))
def write_vrma(path: Path, result: Result) -> list[Path]:
    """A VRM animation for each person, which drives any VRM avatar: bones of a humanoid from a T pose, y up, facing z.

    Source: the glTF extension VRMC_vrm_animation 1.0.
    """
    return write_each_person(path, result, _write_vrma)


def _write_vrma(path: Path, person: Result, frames: np.ndarray) -> None:
    motion, document = motion_of(person, frames), _Document()
    bones = motion.armature
    heads = bones.heads()
    heads[:, 1] -= (heads + bones.vectors)[:, 1].min()  # the T pose stands on the ground
    root = document.add_bones(bones.names, bones.parents, heads, 'person')
    document.add_motion(root, np.arange(len(frames)) / person.fps, motion.root, motion.local_rotations())
    humanoid = {_vrm_name(name): {'node': root + bone} for bone, name in enumerate(bones.names)}
    extension = {'specVersion': '1.0', 'humanoid': {'humanBones': humanoid}}
    del document.document['materials'], document.document['meshes'], document.document['skins']
    document.document |= {'extensionsUsed': [_VRM], 'extensions': {_VRM: extension}}
    document.save(path)


def _vrm_name(bone: str) -> str:
    """A bone of inverse kinematics as VRM calls it."""
    side = next(side for side in _COLOURS if bone.startswith(side))
    name = _VRM_NAMES.get(bone.removeprefix(side), bone.removeprefix(side))
    return side.lower() + name if side else name[0].lower() + name[1:]


def _add_body(document: '_Document', result: Result) -> None:
    body = result.body
    root = document.add_bones(body.bone_names, body.parents, body.rest_joints, 'body')
    document.add_skin(root, body.inverse_binds(), body.rest_vertices, body.surface, body.strongest_bones())
    rotations, trans = turned(body, *y_up_of_camera(result))
    document.add_motion(
        root, np.arange(len(trans)) / result.fps, body.rest_joints[0] + trans, np.moveaxis(rotations, 1, 0)
    )


def _solids(bones: Armature) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A double pyramid along each bone: corners (V, 3) of triangles one after the other, bones (V,), colours (V, 3)."""
    heads = bones.heads()
    rods = [(bone, heads[bone], vector) for bone, vector in enumerate(bones.vectors) if bones.parents[bone] >= 0]
    rods += [(0, heads[0], heads[bone]) for bone, name in enumerate(bones.names) if name.endswith('UpLeg')]
    corners, owners, colours = [], [], []
    for bone, head, vector in rods:
        across = np.cross(vector, np.eye(3)[np.abs(vector).argmin()])
        across *= 0.035 / np.linalg.norm(across)
        other = np.cross(vector, across) / np.linalg.norm(vector)
        ring = head + vector * 0.2 + np.stack([across, other, -across, -other])
        for a, b in zip(ring, np.roll(ring, -1, 0), strict=True):
            corners += [head, b, a, head + vector, a, b]
        owners += [bone] * 24
        side = next(side for side in _COLOURS if bones.names[bone].startswith(side))
        colours += [_COLOURS[side]] * 24
    return np.array(corners), np.array(owners), np.array(colours)


class _Document:
    """A glTF document and its one buffer."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.document: dict[str, Any] = {
            'asset': {'version': '2.0', 'generator': 'poselifter'},
            'scene': 0,
            'scenes': [{'nodes': []}],
            'materials': [{'pbrMetallicRoughness': {'metallicFactor': 0.0}}],
            'animations': [{'name': 'motion', 'samplers': [], 'channels': []}],
            **{key: [] for key in ('nodes', 'meshes', 'skins', 'accessors', 'bufferViews')},
        }

    def _add(self, kind: str, **values: Any) -> int:
        self.document[kind].append(values)
        return len(self.document[kind]) - 1

    def add_array(self, array: Any, kind: str = 'float32', bounds: bool = False, target: int | None = None) -> int:
        """Puts an array into the buffer; returns its number."""
        array = np.ascontiguousarray(array, kind)
        data = array.tobytes()
        hint = {} if target is None else {'target': target}
        view = self._add('bufferViews', buffer=0, byteOffset=sum(map(len, self.chunks)), byteLength=len(data), **hint)
        self.chunks.append(data + bytes(-len(data) % 4))
        ends = {'min': np.atleast_1d(array.min(0)).tolist(), 'max': np.atleast_1d(array.max(0)).tolist()}
        form = {'componentType': _NUMBERS[kind], 'count': len(array), 'type': _SHAPES[array.shape[1:]]}
        return self._add('accessors', bufferView=view, **form, **(ends if bounds else {}))

    def add_bones(self, names: Sequence[str], parents: Sequence[int], heads: np.ndarray, person: str) -> int:
        """Adds a node for each bone with its head (B, 3) at rest, then one of the person; returns that of the first."""
        root = len(self.document['nodes'])
        for bone, name in enumerate(names):
            start = heads[bone] - (heads[parents[bone]] if bone else 0)
            children = (np.flatnonzero(np.asarray(parents) == bone) + root).tolist()
            self._add('nodes', name=name, translation=start.tolist(), **({'children': children} if children else {}))
        self.document['scenes'][0]['nodes'].append(self._add('nodes', name=person, children=[root]))
        return root

    def add_skin(
        self,
        root: int,
        binds: np.ndarray,
        vertices: np.ndarray,
        faces: np.ndarray,
        skin: tuple[np.ndarray, np.ndarray],
        colours: np.ndarray | None = None,
    ) -> None:
        """Adds a mesh that bones from node ``root`` on carry.

        ``binds`` (B, 3, 4) take vertices to the axes of bones; ``skin``: four bones (V, 4) of a vertex and weights.
        """
        attributes = {
            'POSITION': self.add_array(vertices, bounds=True, target=_VERTICES),
            'NORMAL': self.add_array(vertex_normals(vertices, faces), target=_VERTICES),
            'JOINTS_0': self.add_array(skin[0], 'uint8', target=_VERTICES),
            'WEIGHTS_0': self.add_array(skin[1], target=_VERTICES),
        }
        if colours is not None:
            attributes['COLOR_0'] = self.add_array(colours, target=_VERTICES)
        indices = self.add_array(faces.ravel(), 'uint32', target=_INDICES)
        mesh = self._add('meshes', primitives=[{'attributes': attributes, 'indices': indices, 'material': 0}])
        inverse = np.tile(np.eye(4), (len(binds), 1, 1))
        inverse[:, :, :3] = np.swapaxes(binds, 1, 2)  # column-major, so the last row is the shift
        joints = list(range(root, root + len(binds)))
        skin_number = self._add('skins', inverseBindMatrices=self.add_array(inverse), joints=joints, skeleton=root)
        surface = self._add('nodes', name='surface', mesh=mesh, skin=skin_number)
        self.document['scenes'][0]['nodes'].append(surface)

    def add_motion(self, root: int, seconds: np.ndarray, places: np.ndarray, rotations: Iterable[np.ndarray]) -> None:
        """Adds the places (T, 3) of the root and each bone's rotations (T, 3, 3) relative to its parent."""
        times = self.add_array(seconds, bounds=True)
        self._add_channel(root, 'translation', times, places)
        for node, turns in enumerate(rotations, root):
            if np.abs(turns - np.eye(3)).max() > 1e-6:  # others stay at rest
                self._add_channel(node, 'rotation', times, _quaternions(turns))

    def _add_channel(self, node: int, moved: str, times: int, values: np.ndarray) -> None:
        [animation] = self.document['animations']
        animation['samplers'].append({'input': times, 'output': self.add_array(values)})
        target = {'node': node, 'path': moved}
        animation['channels'].append({'sampler': len(animation['samplers']) - 1, 'target': target})

    def save(self, path: Path) -> None:
        """Writes the file, whole or not at all: a header, the document as JSON, the buffer."""
        length = sum(map(len, self.chunks))
        self.document['buffers'] = [{'byteLength': length}]
        text = json.dumps(self.document, separators=(',', ':')).encode()
        text += b' ' * (-len(text) % 4)
        with atomic_write(path) as temporary, open(temporary, 'wb') as file:
            file.write(struct.pack('<4sII', b'glTF', 2, 28 + len(text) + length))
            file.write(struct.pack('<I4s', len(text), b'JSON') + text)
            file.write(struct.pack('<I4s', length, b'BIN\0'))
            file.writelines(self.chunks)


def _quaternions(rotations: np.ndarray) -> np.ndarray:
    """Quaternions (T, 4), x y z w, each on the side of the one before, so that programs mix them the short way."""
    quaternions = np.roll(matrix_to_quaternion(rotations), -1, -1)
    flips = (quaternions[1:] * quaternions[:-1]).sum(-1) < 0
    return quaternions * np.where(np.r_[0, np.cumsum(flips)] % 2, -1, 1)[:, None]
