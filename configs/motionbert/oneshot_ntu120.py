# MotionBERT on NTU RGB+D 120, one-shot, from the pretrained weights: 67.4 % (paper). The authors evaluate with
# dropout on, here it is off; of their files: load_from=MB_release/best_epoch.bin.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/ntu120_oneshot.py',
    '../_base_/models/motionbert.py',
    '../_base_/schedules/motionbert_action.py',
]

load_from = 'work_dirs/motionbert/pretrain_amass_h36m_243/epoch_90.pth'
pretrained_by = 'configs/motionbert/pretrain_amass_h36m_243.py'
scratch = dict(load_from=None, pretrained_by=None)  # 61.0 % (paper)
tcn = dict(model=dict(backbone=dict(_delete_=True, **_base_.other_backbones.tcn)))
poseformer = dict(model=dict(backbone=dict(_delete_=True, **_base_.other_backbones.poseformer)))
tested = dict(dataset=dict(pipeline=[dict(type='ResampleClip', length=243), *_base_.test_pipeline[1:]]))
trained = dict(type='ResampleClip', length=243, mode='random')
variants = dict(
    scratch=scratch,
    paper=dict(  # 243 frames and batches of 16 as printed
        train_dataloader=dict(batch_size=16, dataset=dict(pipeline=[trained, *_base_.train_pipeline[1:]])),
        val_dataloader=tested,
        test_dataloader=tested,
    ),
    frozen=dict(frozen_modules=['backbone']),
    table4_random=dict(**scratch, frozen_modules=['backbone']),
    table6_tcn_scratch=dict(**scratch, **tcn),
    table6_poseformer_scratch=dict(**scratch, **poseformer),
    table6_tcn_finetune=dict(
        load_from='work_dirs/motionbert/pretrain_tcn_amass_h36m_243/epoch_90.pth',
        pretrained_by='configs/motionbert/pretrain_tcn_amass_h36m_243.py',
        **tcn,
    ),
    table6_poseformer_finetune=dict(
        load_from='work_dirs/motionbert/pretrain_poseformer_amass_h36m_243/epoch_90.pth',
        pretrained_by='configs/motionbert/pretrain_poseformer_amass_h36m_243.py',
        **poseformer,
    ),
)

# as released: an empty second person counts in the mean over persons, scores keep COCO's order
model = dict(
    codec={{_base_.codec}},
    heads=dict(_delete_=True, embedding=dict(type='ActionEmbeddingHead', official=True)),
)
train_dataloader = dict(dataset=dict(official_confidence_order=True))
val_dataloader = dict(dataset=dict(official_confidence_order=True))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=50)
default_hooks = dict(checkpoint=dict(save_best='one_shot_accuracy', rule='greater'))
