"""Infers the joint set of a file: by its word, by its joint names, by its number of joints."""

from collections.abc import Sequence

from ...errors import InputError
from ...skeletons import get_skeleton, list_skeletons

# formats.md 1.8: joint sets that 2D detectors write, by number of joints. Several names: only the user can tell.
# 17 is PoseTrack's, Human3.6M's and 3DHP's number too, but bare files of 17 joints are nearly always COCO's.
SKELETONS_BY_COUNT: dict[int, tuple[str, ...]] = {
    14: ('aic14', 'crowdpose14'),
    15: ('humaneva15', 'openpose_mpi15'),
    16: ('mpii16',),
    17: ('coco17',),
    18: ('openpose18',),
    23: ('coco_wholebody133_body23',),
    25: ('body25',),
    26: ('halpe26',),
    28: ('mpi_inf_3dhp28',),
    33: ('mediapipe33',),
}
# joints of a whole body with face and hands -> the first ones, which are a body
WHOLE_BODIES = {133: 23, 136: 26}
# MMPose's names of joints that are the same place in the same row of a set -> ours
_NAMES = {'head': 'head_top', 'top_head': 'head_top', 'root': 'pelvis', 'neck_base': 'nose'}
_NAMES |= {'left_foot': 'left_ankle', 'right_foot': 'right_ankle'}


def find_skeleton(
    where: str, num_joints: int, named: str | None = None, joint_names: Sequence[str] | None = None
) -> tuple[str, bool]:
    """Names the joint set of a file.

    Args:
        where: file, for the error.
        num_joints: J of its keypoints.
        named: name that the user or the file gives.
        joint_names: names of the joints that the file lists.

    Returns:
        (name, whether it was only inferred from the number of joints).

    Raises:
        InputError: the name is unknown, or has another number of joints, or no name can be inferred.
    """
    if named is not None:
        try:
            skeleton = get_skeleton(str(named))
        except InputError as error:
            raise InputError(f'{where}: {error}') from None
        if skeleton.num_joints != num_joints:
            raise InputError(
                f'{where}: keypoints have {num_joints} joints, expected {skeleton.num_joints} for {skeleton.name}; '
                f'name the right joint set with --skeleton'
            )
        return skeleton.name, False
    known = [get_skeleton(name) for name in list_skeletons()]
    if joint_names is not None:
        same = [s.name for s in known if _plain(s.joint_names) == _plain(joint_names)]
        if same and len(joint_names) == num_joints:
            return same[0], False
        raise InputError(
            f'{where}: the {num_joints} joints {", ".join(map(str, joint_names[:4]))}, ... are no joint set we know; '
            f'if they are one by other names, say which with --skeleton'
        )
    fitting = [name for name in SKELETONS_BY_COUNT.get(num_joints, ()) if name in {s.name for s in known}]
    if len(fitting) == 1:
        return fitting[0], True
    which = f'which may be {" or ".join(fitting)}' if fitting else 'which is no joint set we know by its number'
    raise InputError(f'{where}: keypoints have {num_joints} joints, {which}; say which with --skeleton')


def _plain(names: Sequence[str]) -> list[str]:
    return [_NAMES.get(str(name), str(name)) for name in names]
