# MixSTE, 243 frames, Human3.6M with CPN detections: 40.9 mm (paper, table 1). Variants: rows of tables.yml.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m.py',
    '../_base_/models/mixste.py',
    '../_base_/protocols/mixste.py',
]

model = dict(codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_dataloader = dict(batch_size=4, dataset=dict(window=dict(length=243, tail='centre'), mirrored_copies=True))
default_hooks = dict(checkpoint=dict(save_best='mixste/MPJPE'))

# the 16 joints of HRNet's 2D, a file that the authors do not distribute
joints_16 = dict(keypoint_file='data_2d_h36m_hr.npz', skeleton='h36m16', skeleton_3d='h36m16')
plain = dict(type='MPJPELoss')
weighted = dict(type='WeightedMPJPELoss', joint_weights='mixste')
steady = dict(type='TemporalConsistencyLoss', joint_weights='mixste', loss_weight=0.5)
velocity = dict(type='VelocityLoss', loss_weight=2.0)
# depth, width, frames of table 7; what it has beside is this config and h36m_81.py
sizes_7 = [(4, 64, 27), (6, 64, 27), (8, 64, 27), (10, 64, 27), (8, 128, 27), (8, 256, 27), (8, 512, 27), (8, 640, 27)]
sizes_7 += [(8, 512, 128), (8, 512, 300)]
variants = dict(
    released=dict(optim_wrapper=dict(type='GradientTimesLossOptimWrapper')),
    table1_hrnet_243=dict(  # HRNet detections: 39.8 mm
        codec=dict(skeleton='h36m16', skeleton_3d='h36m16'),
        model=dict(
            backbone=dict(num_joints=16),
            heads=dict(
                pose=dict(
                    losses=[{**weighted, 'skeleton': 'h36m16'}, {**steady, 'skeleton': 'h36m16'}, velocity],
                )
            ),
        ),
        **{f'{part}_dataloader': dict(dataset=joints_16) for part in ('train', 'val', 'test')},
    ),
    table5_baseline=dict(
        model=dict(backbone=dict(alternate=False, separate_joints=False), heads=dict(pose=dict(losses=[plain])))
    ),
    table5_alternating=dict(model=dict(backbone=dict(separate_joints=False), heads=dict(pose=dict(losses=[plain])))),
    table5_separate=dict(model=dict(heads=dict(pose=dict(losses=[plain])))),  # also "MPJPE" of table 6
    # the weights of single losses are those of all together; that of the motion loss, which nobody states, is 1
    table6_weighted=dict(model=dict(heads=dict(pose=dict(losses=[weighted])))),
    table6_motion=dict(model=dict(heads=dict(pose=dict(losses=[weighted, dict(type='MotionLoss')])))),
    table6_tc=dict(model=dict(heads=dict(pose=dict(losses=[weighted, steady])))),
    table6_velocity=dict(model=dict(heads=dict(pose=dict(losses=[weighted, velocity])))),
    **{
        f'table7_{depth}_{width}_{frames}': dict(
            model=dict(backbone=dict(depth=depth, embed_dims=width, num_frames=frames)),
            train_dataloader=dict(batch_size=1024 // frames, dataset=dict(window=dict(length=frames))),
            auto_scale_lr=dict(base_batch_size=1024 // frames),
        )
        for depth, width, frames in sizes_7
    },
)
