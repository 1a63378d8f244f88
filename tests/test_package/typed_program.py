"""A user's program: pyright checks in CI that the public API has types, and that they are these. It is never run."""

# pyright: strict

from pathlib import Path
from typing import Any

import numpy as np
import torch
from typing_extensions import assert_type  # Python 3.10

from poselifter.apis import (
    ActionInferencer,
    ExportedModel,
    MotionSearch,
    Pose3DInferencer,
    StreamingLifter,
    export_model,
    fit_body_to_poses,
    fit_smpl,
    inference_lifter,
    init_model,
    init_text_motion,
    lift_table,
    load_official,
    recover_smpl,
)
from poselifter.detection import detect_keypoints, open_frames
from poselifter.evaluation.functional import auc_3d, mpjae, mpjpe, mpjve, mpve, n_mpjpe, p_mpjpe, pck_3d
from poselifter.io import read_keypoints, read_result, write_results
from poselifter.models import create_model, list_models
from poselifter.registry import HEADS, READERS, WRITERS
from poselifter.skeletons import Skeleton, convert_keypoints, get_skeleton, list_skeletons
from poselifter.structures import KeypointTable, Result


def lift(keypoints: np.ndarray) -> np.ndarray:
    """From Python, one person."""
    model = init_model('mixste_cmu_27', device='cpu', cfg_options={'model.test_cfg.flip_test': False})
    return inference_lifter(model, keypoints, img_shape=(1080, 1920), fps=25.0, skeleton='coco17')


def lift_files() -> None:
    """Files in, results and files out."""
    table = assert_type(read_keypoints('keypoints.json'), KeypointTable)
    [result] = Pose3DInferencer('mixste_cmu_27').predict(table)
    assert_type(result, Result)
    write_results(Path('out/walk'), result, ['npz', 'html'])
    poses = assert_type(read_result('out/walk.npz'), Result).poses
    assert poses is not None
    for name, rows in result.table.tracks():
        print(name, poses[rows].shape)


def recognise() -> None:
    """Files in, actions out."""
    inferencer = ActionInferencer('configs/motionbert/action_cmu.py', Path('epoch_18.pth'), classes=['walk', 'run'])
    assert_type(inferencer.classes, tuple[str, ...])
    for entry in inferencer(['a.npz', Path('b.json')], out_dir=Path('out'), formats=['json']):
        print(entry['predictions'][0]['top'][0])


def export() -> np.ndarray:
    """A model without torch."""
    described = export_model(init_model('mixste_cmu_27'), Path('lifter.onnx'), precision='half')
    model = ExportedModel('lifter.onnx', threads=1)
    assert_type(model.batch_size, int)
    print(assert_type(described, dict[str, Any])['cost_mm'], model.metadata['licence'])
    return assert_type(lift_table(model, read_keypoints('keypoints.json'), smoothing='off'), np.ndarray)


def search(library: Path) -> None:
    """Texts in, clips out."""
    model = init_text_motion('configs/actionpose/pretrain_procedural.py', 'epoch_18.pth', cfg_options={'codec.fps': 25})
    finder = MotionSearch(model, batch_size=32)
    for hit in assert_type(finder('a person waves', library, top=3), list[dict[str, Any]]):
        print(hit['score'], finder.length, finder.notes)


def bodies(body_model: Path) -> None:
    """Poses in, bodies out."""
    for entry in (*fit_body_to_poses('walk.npz', height=1.8), *fit_smpl(np.zeros((9, 17, 3)), body_model)):
        print(assert_type(entry, dict[str, Any])['result'].body)
    for entry in recover_smpl(init_model('configs/motionbert/mesh_h36m.py', 'mesh.pth'), 'keypoints.npz'):
        print(entry['visualization'])


def official(clip: torch.Tensor) -> None:
    """The authors' checkpoint."""
    module = load_official(Path('latest_epoch.bin'), task='pose')
    print(assert_type(module.system, str), module(clip), module.dropped)


def follow(film: str) -> None:
    """Frame by frame."""
    lifter = StreamingLifter(init_model('mixste_cmu_27'), 'mediapipe33', img_shape=(720, 1280))
    for frame in open_frames(film):
        assert_type(frame.image, np.ndarray)
        result = lifter(frame.time, np.zeros((1, 33, 2)), np.ones((1, 33)))
        if result is not None:
            print(result.table.track_ids)
    assert_type(detect_keypoints(film, 'blazepose-lite'), KeypointTable)


def measure(pred: np.ndarray, target: np.ndarray) -> list[float]:
    """Array in, number out."""
    errors = [function(pred, target) for function in (mpjpe, p_mpjpe, n_mpjpe, mpjve, mpjae, mpve)]
    return [*errors, pck_3d(pred, target), auc_3d(pred, target)]


def names() -> None:
    """What there is."""
    skeleton = assert_type(get_skeleton('coco17'), Skeleton)
    assert_type(skeleton.joint_names, tuple[str, ...])
    assert_type(list_models('motion*'), list[str])
    print(list_skeletons(), convert_keypoints(np.zeros((3, 17, 2)), 'coco17', 'h36m17'))
    print(create_model('pstmo_s_81'), HEADS, READERS, WRITERS)


def described(result: Result) -> dict[str, Any]:
    """What a page says of a result."""
    return {'skeleton': result.skeleton_3d, 'frames': len(result.table.frame_indices)}
