# MotionBERT's refiner on Human3.6M, on SPIN's bodies: 63.7 mm MPVE, from 82.3 (paper). Head and training are ours, the
# authors have published none. For another method copy this file and name its folder. Of the authors' backbone:
# load_from=MB_release/latest_epoch.bin.
_base_ = './mesh_h36m.py'

estimates = 'spin'  # folder in data_root: SPIN's result file of each video (docs/user_guides/bodies.md)
data_root = '{{$POSELIFTER_DATA:data}}/mesh'
model = dict(
    heads=dict(mesh=dict(_delete_=True, type='MeshRefineHead', hidden_dims=1024, dropout=0.1, body_model=data_root)),
)
h36m_source = dict(
    type='MeshDataset',
    data_root=data_root,
    ann_file='mesh_det_h36m.pkl',
    source='h36m',
    min_frames=16,
    window=dict(length=16, stride=8, tail='drop'),
    pipeline={{_base_.train_pipeline}},
)
h36m_estimates = dict(**h36m_source, estimates=estimates)
train_dataloader = dict(batch_sampler=dict(batch_size=[128]), dataset=dict(datasets=[h36m_estimates]))
val_dataloader = dict(dataset=dict(estimates=estimates))
test_dataloader = val_dataloader
variants = dict(_delete_=True, scratch=dict(_base_.scratch, train_cfg=dict(max_epochs=60)))
# 66.8 and 52.6 mm MPVE, from 84.1 and 58.1 (paper, table 3)
variants.update(
    {
        f'table3_{method}': dict(
            train_dataloader=dict(dataset=dict(datasets=[dict(**h36m_source, estimates=method)])),
            val_dataloader=dict(dataset=dict(estimates=method)),
            test_dataloader=dict(dataset=dict(estimates=method)),
        )
        for method in ('maed', 'hybrik')
    }
)
