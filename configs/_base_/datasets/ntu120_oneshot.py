# NTU RGB+D 120, one-shot: 100 auxiliary classes train, in batches of pairs; 20 novel ones are told by an exemplar each.
# Clips have 100 frames, as in MotionBERT's released training (the paper says 243).
_base_ = ['./ntu60_xsub.py']

train_pipeline = [dict(type='ResampleClip', length=100, mode='random'), *_base_.train_pipeline[1:]]
test_pipeline = [dict(type='ResampleClip', length=100), *_base_.test_pipeline[1:]]

train_dataloader = dict(
    batch_sampler=dict(type='ClassPairSampler', per_class=2),
    dataset=dict(ann_file='ntu120_hrnet.pkl', split='oneshot_auxiliary', pipeline=train_pipeline),
)
val_dataloader = dict(
    dataset=dict(ann_file='ntu120_hrnet.pkl', split=['oneshot_train', 'oneshot_val'], pipeline=test_pipeline)
)
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='OneShotMetric')
test_evaluator = val_evaluator
