# 3D poses, classes and embeddings of CMU motion capture, all from one pass of one backbone: DSTformer, small, 27
# frames, from what pretrain_cmu_27.py leaves. Batches are of pairs, for the contrastive loss; whole clips are tested,
# by their windows.
_base_ = './action_cmu.py'

train_pipeline = [*_base_.film, _base_.encode, dict(type='FlipPose'), dict(type='PackPose')]
labels = ['keypoints', 'lifting_target', 'lifting_target_visible', 'action']
train_dataloader = dict(
    batch_size=12,
    drop_last=False,
    sampler=dict(type='EpochSampler'),
    batch_sampler=dict(type='ClassPairSampler', per_class=2),
    dataset=dict(pipeline=train_pipeline),
)
test_dataloader = dict(
    batch_size=8,
    dataset=dict(test_mode=True, pipeline=[*_base_.film, _base_.encode, dict(type='PackPose', keys=labels)]),
)

# in metres the losses of poses are small beside those of classes
losses = [dict(type='MPJPELoss', loss_weight=10.0), dict(type='VelocityLoss', loss_weight=200.0)]
model = dict(
    heads=dict(
        pose=dict(type='PoseHead', init_std=0.02, losses=losses),
        embedding=dict(type='ActionEmbeddingHead', hidden_dims=128),
    )
)

# few-shot recognition of the classes of training, in other persons; of new classes: oneshot_cmu.py
test_evaluator = [
    dict(type='PoseMetric'),
    dict(type='ActionMetric', top_k=[1], interval='subject'),
    dict(type='FewShotMetric', ways=6, shots=1),
]
