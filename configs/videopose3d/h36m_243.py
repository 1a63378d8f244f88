# VideoPose3D, 243 frames, Human3.6M with CPN detections: 46.8 mm (paper, table 1).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m.py',
    '../_base_/models/videopose3d.py',
    '../_base_/protocols/videopose3d.py',
]

model = dict(backbone=dict(strided=True), codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_dataloader = dict(
    batch_size=1024, dataset=dict(window=dict(length=243, stride=1, outputs=1), mirrored_copies=True)
)
default_hooks = dict(checkpoint=dict(save_best='videopose3d/MPJPE'))
