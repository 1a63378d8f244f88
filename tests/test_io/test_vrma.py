"""VRM animations, read as glTF by hand."""

import json
import struct

import numpy as np
from scipy.spatial.transform import Rotation

from poselifter.io import write_results
from poselifter.structures import KeypointTable, Result

NEEDED = {  # of a humanoid, by VRM 1.0
    'hips', 'spine', 'head', 'leftUpperLeg', 'leftLowerLeg', 'leftFoot', 'rightUpperLeg', 'rightLowerLeg', 'rightFoot',
    'leftUpperArm', 'leftLowerArm', 'leftHand', 'rightUpperArm', 'rightLowerArm', 'rightHand',
}  # fmt: skip
T_POSE = np.array([  # h36m17, metres, camera axes, facing the camera: its left is on the right of the picture
    (0, 0, 0), (-0.1, 0, 0), (-0.1, 0.4, 0), (-0.1, 0.8, 0), (0.1, 0, 0), (0.1, 0.4, 0), (0.1, 0.8, 0), (0, -0.25, 0),
    (0, -0.5, 0), (0, -0.6, 0), (0, -0.7, 0), (0.2, -0.5, 0), (0.45, -0.5, 0), (0.7, -0.5, 0), (-0.2, -0.5, 0),
    (-0.45, -0.5, 0), (-0.7, -0.5, 0),
])  # fmt: skip


def test_an_arm_that_is_lifted_turns_the_upper_arm_of_an_avatar(tmp_path):
    poses = np.tile(T_POSE, (3, 1, 1))
    poses[2, 12:14] = [(0.2, -0.75, 0), (0.2, -1.0, 0)]  # the left arm straight up
    table = KeypointTable.of_person(np.zeros((3, 0, 2)), fps=25)
    [path] = write_results(tmp_path / 'a', Result(table, poses, 'h36m17'), ['vrma'])
    data = path.read_bytes()
    assert struct.unpack('<4sII', data[:12]) == (b'glTF', 2, len(data))
    length = struct.unpack('<I', data[12:16])[0]
    document, blob = json.loads(data[20 : 20 + length]), data[28 + length :]
    assert document['extensionsUsed'] == ['VRMC_vrm_animation'] and 'meshes' not in document
    extension = document['extensions']['VRMC_vrm_animation']
    bones = {name: entry['node'] for name, entry in extension['humanoid']['humanBones'].items()}
    assert extension['specVersion'] == '1.0' and bones.keys() >= NEEDED
    assert all('rotation' not in node for node in document['nodes'])  # the T pose
    assert np.isclose(
        document['nodes'][bones['hips']]['translation'][1], 0.8, atol=0.12
    )  # and the foot below the ankle

    [animation] = document['animations']

    def moved(bone, kind):
        channel = [c for c in animation['channels'] if c['target'] == {'node': bones[bone], 'path': kind}]
        if not channel:  # it stays at rest
            return [0, 0, 0, 1]
        [channel] = channel
        accessor = document['accessors'][animation['samplers'][channel['sampler']]['output']]
        start = document['bufferViews'][accessor['bufferView']]['byteOffset']
        return np.frombuffer(blob, '<f4', accessor['count'] * (4 if kind == 'rotation' else 3), start).reshape(3, -1)

    turned = Rotation.from_quat(moved('leftShoulder', 'rotation')) * Rotation.from_quat(
        moved('leftUpperArm', 'rotation')
    )
    np.testing.assert_allclose(turned.apply([1, 0, 0]), [[1, 0, 0], [1, 0, 0], [0, 1, 0]], atol=1e-6)
    assert np.isclose(moved('hips', 'translation')[0, 1], document['nodes'][bones['hips']]['translation'][1])
