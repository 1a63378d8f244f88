# ActionPose's pretraining, small, on CMU motion capture: masked 2D to 3D, and clips to their descriptions. Without a
# download the texts are read by hashed n-grams.
_base_ = './cmu_27.py'

work_dir = 'work_dirs/actionpose/pretrain_cmu_27'
load_from = pretrained_by = variants = None
model = dict(
    type='TextMotionPretrainer',
    text_encoder=dict(type='HashedTextEncoder', embed_dims=256),
    text_head=dict(
        type='TextMotionHead',
        embed_dims=64,
        pose_pool=dict(type='ClassTokenPool', hidden_dims=128),
        text_pool=dict(type='TextPool', hidden_dims=128),
    ),
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='VirtualCamera'),
            dict(type='DetectedJoints'),
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='FlipPose'),
            dict(type='FittedNoise'),
            dict(type='MaskMixture'),
            dict(type='PackPose'),
        ]
    )
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(text_encoder=dict(lr_mult=0.1))))
