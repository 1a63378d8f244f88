# ActionPose's encoder on Human3.6M, 243 frames, from scratch; trained like MotionBERT.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m_motionbert.py',
    '../_base_/models/actionpose.py',
    '../_base_/protocols/motionbert.py',
]

model = dict(codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
