"""AMASS: recordings as parameters of a body model, and the 17 joints of Human3.6M from them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..structures.keypoint_table import as_numbers, check_rate
from ..utils.arrays import load_array, load_arrays, save_arrays

MODELS = {72: 'smpl', 156: 'smplh', 165: 'smplx'}  # by the width of ``poses``
BODY = 66  # root and 21 body joints, the same in all three
_RATES = ('mocap_framerate', 'mocap_frame_rate')
_WHERE = 'get the "SMPL+H G" archives of amass.is.tue.mpg.de'


@dataclass(frozen=True)
class AmassSequence:
    """One recording.

    Attributes:
        model: ``'smpl'``, ``'smplh'`` or ``'smplx'``.
        gender: ``'male'``, ``'female'`` or ``'neutral'``.
        fps: as the file states it.
        poses: (T, P) axis-angle vectors, radians.
        trans: (T, 3) world, metres, z up.
        betas: (16,) shape, or 10 of SMPL.
    """

    model: str
    gender: str
    fps: float
    poses: np.ndarray
    trans: np.ndarray
    betas: np.ndarray


def read_amass(path: str | Path) -> AmassSequence | None:
    """Reads ``*_poses.npz`` or ``*_stageii.npz``; ``None`` for a subject's ``shape.npz``, which is no recording.

    Raises:
        InputError: the file is damaged, or lacks what a recording has.
    """
    arrays = load_arrays(path, names=('poses', 'trans', 'betas', 'gender', *_RATES), how=f'{_WHERE} again')
    if 'poses' not in arrays and Path(path).name == 'shape.npz':
        return None
    rate = next((arrays[key] for key in _RATES if key in arrays), None)
    missing = [key for key in ('poses', 'trans', 'betas', 'gender') if key not in arrays]
    if missing or rate is None:
        raise InputError(f'{path} has no {", ".join(missing or ["frame rate"])}; {_WHERE}')
    poses, trans, betas = (as_numbers(arrays[key], f'{path}: {key}') for key in ('poses', 'trans', 'betas'))
    betas, gender = betas[0] if len(betas) == 1 else betas, arrays['gender']
    fits = poses.ndim == 2 and len(poses) and poses.shape[1] in MODELS and trans.shape == (len(poses), 3)
    if not fits or betas.ndim != 1 or gender.size != 1:
        raise InputError(
            f'{path} has poses {poses.shape}, trans {trans.shape}, betas {betas.shape} and gender {gender.shape}, '
            f'expected (T, 72, 156 or 165), (T, 3), (16,) and one word; {_WHERE}'
        )
    if not (np.isfinite(poses).all() and np.isfinite(trans).all() and np.isfinite(betas).all()):
        raise InputError(f'{path} has numbers that are not finite; {_WHERE} again')
    name = str(gender.astype(str).item()).lower()
    return AmassSequence(MODELS[poses.shape[1]], name, check_rate(rate, str(path)), poses, trans, betas)


def write_amass(path: str | Path, sequence: AmassSequence) -> None:
    """Writes a recording as AMASS has it, with the names of both generations of files; whole or not at all.

    Raises:
        InputError: the folder cannot be written to.
    """
    arrays = {'poses': sequence.poses, 'trans': sequence.trans, 'betas': sequence.betas}
    arrays |= {'root_orient': sequence.poses[:, :3], 'pose_body': sequence.poses[:, 3:BODY]}  # as newer files also say
    arrays = {key: np.asarray(array, np.float32) for key, array in arrays.items()}
    metadata = {'gender': sequence.gender, 'surface_model_type': sequence.model, **dict.fromkeys(_RATES, sequence.fps)}
    save_arrays(path, arrays | metadata)


def load_body(path: str | Path, regressor: str | Path) -> dict[str, np.ndarray]:
    """Arrays of an SMPL-H body (``model.npz``) with ``J_regressor_h36m`` (17, 6890).

    Raises:
        InputError: a file is missing or is none of these, or the regressor has
            the legs of SPIN's ``J_regressor_h36m.npy``, which are swapped.
    """
    names = ('v_template', 'shapedirs', 'posedirs', 'J_regressor', 'weights', 'kintree_table')
    body = load_arrays(path, names, (), 'expected model.npz of the "Extended SMPL+H model" (mano.is.tue.mpg.de)')
    body['J_regressor_h36m'] = load_array(regressor, how="expected MotionBERT's J_regressor_h36m_correct.npy")
    fits = body['v_template'].ndim == 2 and body['J_regressor_h36m'].shape == (17, len(body['v_template']))
    joints = body['J_regressor_h36m'] @ body['v_template'] if fits else np.zeros((0, 3))
    if joints.shape != (17, 3) or joints[1, 0] > joints[4, 0]:
        raise InputError(
            f'{regressor} does not give 17 joints with the right leg first; expected J_regressor_h36m_correct.npy '
            f"(SPIN's file of a like name has the rows 0 4 5 6 1 2 3 7 ... of it)"
        )
    return body


def amass_joints(sequence: AmassSequence, body: dict[str, np.ndarray], batch: int = 512) -> np.ndarray:
    """The 17 joints of Human3.6M (h36m17) by the regressor on the body's vertices.

    Args:
        sequence: of SMPL-H; soft tissue is left out, as MotionBERT has it only for the vertices' wobble.
        body: from :func:`load_body`, of the sequence's gender.
        batch: frames at a time.

    Returns:
        (T, 17, 3) float32 world metres.

    Raises:
        InputError: the sequence is of another body model, or ``smplx`` is not installed.
    """
    try:
        import torch
        from smplx.lbs import lbs
    except ImportError:
        raise InputError('bodies need smplx: pip install poselifter[mesh]') from None
    parents = torch.from_numpy(body['kintree_table'][0].astype(np.int64))
    parents[0] = -1
    width = 3 * len(parents)
    if sequence.poses.shape[1] != width:
        raise InputError(f'the recording is of {sequence.model}, the body has {len(parents)} joints; {_WHERE}')

    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(body[name].astype(np.float32))

    count = min(len(sequence.betas), body['shapedirs'].shape[-1])
    posedirs = tensor('posedirs').flatten(0, 1).T.contiguous()
    shapedirs, regressor = tensor('shapedirs')[..., :count], tensor('J_regressor_h36m')
    betas = torch.from_numpy(sequence.betas[None, :count].astype(np.float32))
    joints = []
    for poses in torch.from_numpy(sequence.poses.astype(np.float32)).split(batch):
        rest = (tensor('v_template'), shapedirs, posedirs, tensor('J_regressor'), parents, tensor('weights'))
        vertices, _ = lbs(betas.expand(len(poses), -1), poses, *rest)
        joints.append(regressor @ vertices)
    return torch.cat(joints).numpy() + sequence.trans[:, None].astype(np.float32)


def resample(joints: np.ndarray, fps: float, target: float, official: bool = False) -> np.ndarray:
    """Another frame rate.

    Args:
        joints: (T, J, 3).
        fps: theirs.
        target: requested.
        official: MotionBERT's way: every round(fps / target)-th frame, which
            makes 50 of 100 and calls it 60; else linear in time.

    Returns:
        (T', J, 3) of the same type.
    """
    if official:
        return joints[:: max(round(fps / target), 1)]
    times = np.arange(0, (len(joints) - 1) / fps + 1e-6, 1 / target) * fps
    low = np.minimum(times.astype(int), len(joints) - 1)
    high, fraction = np.minimum(low + 1, len(joints) - 1), (times - low)[:, None, None]
    return ((1 - fraction) * joints[low] + fraction * joints[high]).astype(joints.dtype)
