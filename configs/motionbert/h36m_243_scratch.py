# MotionBERT on Human3.6M from scratch: 39.2 mm MPJPE, 1.8 mm MPJVE (paper, table 1), 33.4 mm P-MPJPE (MMPose's run).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m_motionbert.py',
    '../_base_/models/motionbert.py',
    '../_base_/protocols/motionbert.py',
]

model = dict(codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
