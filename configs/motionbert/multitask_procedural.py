# 3D poses, classes and embeddings of motions made in memory, all from one pass of one backbone: DSTformer, small, 27
# frames, from what pretrain_cmu_27.py leaves. Batches are of pairs, for the contrastive loss; whole sequences are
# tested, by their windows.
_base_ = './action_procedural.py'

train_pipeline = [*_base_.film, _base_.encode, dict(type='FlipPose'), dict(type='PackPose')]
labels = ['keypoints', 'lifting_target', 'lifting_target_visible', 'action']
tested = dict(test_mode=True, pipeline=[*_base_.film, _base_.encode, dict(type='PackPose', keys=labels)])
train_dataloader = dict(
    drop_last=False,
    sampler=dict(type='EpochSampler'),
    batch_sampler=dict(type='ClassPairSampler', per_class=2),
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(batch_size=8, dataset=tested)
test_dataloader = dict(batch_size=8, dataset=tested)

# in metres the losses of poses are small beside those of classes
losses = [dict(type='MPJPELoss', loss_weight=10.0), dict(type='VelocityLoss', loss_weight=200.0)]
model = dict(
    heads=dict(
        pose=dict(type='PoseHead', init_std=0.02, losses=losses),
        embedding=dict(type='ActionEmbeddingHead', hidden_dims=128),
    )
)

# few-shot recognition of the classes of training, in other bodies; of new classes: oneshot_procedural.py
few_shot = dict(type='FewShotMetric', ways=5, shots=1)
val_evaluator = [dict(type='PoseMetric'), dict(type='ActionMetric'), few_shot]
test_evaluator = [dict(type='PoseMetric'), dict(type='ActionMetric', interval='subject'), few_shot]
