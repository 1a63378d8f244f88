# Clips and texts in one space, for `poselifter search`: the alignment of ActionPose's pretraining on the encoder of
# bodies_small_27, which is not changed. CMU's descriptions, and captions of motions made in memory.
_base_ = './bodies_small_27.py'

load_from = 'zoo/mixste_bodies_small_27-1b3ee407_20261129.safetensors'
frozen_modules = ['backbone', 'heads']
model = dict(
    type='TextMotionPretrainer',
    text_encoder=dict(type='HashedTextEncoder', embed_dims=128),
    spread=True,
    num_negatives=500,  # all there are
    text_head=dict(
        type='TextMotionHead',
        embed_dims=64,
        temperature=0.07,
        gamma=0,
        pose_pool=dict(type='ClassTokenPool', hidden_dims=256, drop_rate=0.3, centre=True),
        text_pool=dict(type='TextPool', hidden_dims=128, centre=True),
    ),
)

# without 3D labels: nothing but texts is learned
*filmed, _ = _base_.train_pipeline
captured = dict(_base_.train_dataloader.dataset)
captured.update(mix=0, pipeline=[*filmed, dict(type='PackPose', keys=[])])
film = [dict(type='VirtualCamera'), dict(type='DetectedJoints'), dict(type='KeypointNoise')]
encode = dict(type='Encode', codec={{_base_.codec}}, labels=False)
windows = dict(length=27, stride=27, tail='shift')
pipeline = [*film, encode, dict(type='FlipPose'), dict(type='PackPose', keys=[])]
made = dict(type='ProceduralMotion', n_sequences=750, n_frames=108, window=windows, pipeline=pipeline)
train_dataloader = dict(
    batch_size=32,
    batch_sampler=dict(type='SourceBatchSampler', ratios=(1, 1)),
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[captured, made]),
)
train_cfg = dict(max_epochs=12)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=100),
    dict(type='CosineAnnealingLR', eta_min=1e-6, T_max=12, by_epoch=True, convert_to_iter_based=True),
]
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(text_encoder=dict(lr_mult=0.1))))

# zero-shot recognition: six classes of CMU, other subjects, by captions in the training's words (chance 16.7 %); and
# eleven of another laboratory, in words of which the training has some (chance 9.1 %)
six = {
    'walk': ['walk', 'slow walk', 'brisk walk'], 'run': ['run/jog', 'run', 'jog'],
    'climb': ['climb', 'climb ladder', 'playground - climb'], 'acrobatics': ['acrobatics', 'cartwheel', 'backflip'],
    'drink': ['drink soda', 'drink'], 'laugh': ['laugh', 'laughing'],
}  # fmt: skip
eleven = [
    'put an object down on the floor', 'touch the knee with the elbow', 'grab something high up', 'hop', 'jog', 'kick',
    'lie down on the floor', 'swing both arms round', 'sneak', 'squat', 'throw a basketball',
]  # fmt: skip
recognised = dict(
    views=1,
    test_mode=False,
    window=dict(length=27, stride=13, tail='shift'),
    pipeline=[film[0], dict(type='DetectedJoints', prob=1), film[2], encode, dict(type='PackPose', keys=['action'])],
)
elsewhere = dict(type='HDM05Dataset', data_root='{{$POSELIFTER_DATA:data}}/hdm05', ann_file='hdm05.npz')
evaluator = dict(_delete_=True, type='ActionMetric', top_k=[1], merge=True, interval='subject')
variants = dict(
    zeroshot=dict(
        model=dict(class_texts=list(six.values())),
        test_dataloader=dict(batch_size=64, dataset=dict(classes=list(six), **recognised)),
        test_evaluator=evaluator,
    ),
    zeroshot_hdm05=dict(
        model=dict(class_texts=[[text] for text in eleven]),
        test_dataloader=dict(batch_size=64, dataset=dict(_delete_=True, **elsewhere, **recognised)),
        test_evaluator=evaluator,
    ),
)
