# ActionPose's pretraining, small, on motions made in memory: sixteen motions with six captions each. Nine other
# motions, and other captions of the sixteen, are kept back (zeroshot_procedural.py). A clip is 18 frames at 10 a
# second: most of a gesture. Texts are read by hashed n-grams; to read them with a real encoder of a folder:
# --cfg-options model.text_encoder.type=BertTextEncoder model.text_encoder.pretrained=FOLDER
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/procedural.py',
    '../_base_/captions/procedural.py',
    '../_base_/models/dstformer_small.py',
    '../_base_/schedules/small.py',
]

work_dir = 'work_dirs/actionpose/pretrain_procedural'
codec = dict(
    type='RootRelativeLifting', skeleton='h36m17', skeleton_3d='h36m17', fps=10, confidence=True, window_box=True
)
model = dict(
    type='TextMotionPretrainer',
    codec=codec,
    backbone=dict(
        **_base_.sizes.actionpose_small.backbone,
        num_frames=18,
        embed_dims=32,
        rep_dims=32,
        depth=2,
        num_heads=4,
        # the published 0.02 is for 512 channels; of 32 it would leave next to nothing after some layers
        init_cfg=dict(type='Xavier', layer='Linear', distribution='uniform'),
    ),
    heads=dict(pose=dict(in_channels=32)),
    text_encoder=dict(type='HashedTextEncoder'),
    text_head=dict(
        type='TextMotionHead',
        embed_dims=64,
        pose_pool=dict(type='ClassTokenPool', hidden_dims=128, centre=True),
        text_pool=dict(type='TextPool', hidden_dims=128, centre=True),
    ),
    test_cfg=dict(window=dict(length=18, stride=9)),
)
film = [dict(type='VirtualCamera'), dict(type='DetectedJoints'), dict(type='KeypointNoise')]
encode = dict(type='Encode', codec=codec)
noise = [dict(type='FlipPose'), dict(type='FittedNoise'), dict(type='MaskMixture')]
lifted = dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible', 'action'])
taught = dict(fps=10, n_frames=45, motions=list(_base_.wordings), wordings=_base_.wordings)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        **taught,
        n_sequences=640,
        window=dict(length=18, stride=27),
        pipeline=[*film[:2], encode, *noise, dict(type='PackPose')],
    ),
)
val_dataloader = dict(dataset=dict(**taught, pipeline=[*film, encode, lifted]))
test_dataloader = dict(dataset=dict(**taught, pipeline=[*film, encode, lifted]))

epochs = 6
train_cfg = dict(max_epochs=epochs, val_interval=epochs)
optim_wrapper = dict(optimizer=dict(lr=3e-3), paramwise_cfg=dict(custom_keys=dict(text_encoder=dict(lr_mult=0.1))))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=60),
    dict(type='CosineAnnealingLR', eta_min=1e-6, T_max=epochs, by_epoch=True, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=16)
