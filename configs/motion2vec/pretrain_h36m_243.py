# Motion2vec's contextual pretraining as the paper describes it: three masks of 70 % of the frames, the mean of the last
# 8 layers of a moving teacher, detected 2D of the training subjects. A learned vector hides and the graphs are those
# released; with noise and the graphs of the paper: --variant paper. Other variants: rows of tables.yml.
_base_ = './h36m_243.py'

work_dir = 'work_dirs/motion2vec/pretrain_h36m_243'
load_from = pretrained_by = None
model = dict(
    _delete_=True,
    type='ContextPretrainer',
    backbone={{_base_.model.backbone}},
    codec={{_base_.codec}},
)


def hidden(rate, copies):
    steps = [dict(type='Encode', codec=_base_.codec), dict(type='FlipPose')]
    return [*steps, dict(type='FrameRemoval', rate=rate, copies=copies), dict(type='PackPose', keys=['masks'])]


train_dataloader = dict(batch_size=4, dataset=dict(pipeline=hidden(0.7, 3)))
auto_scale_lr = dict(base_batch_size=4)
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None

# the paper's studies have 15 epochs: fraction of hidden frames, masks of a clip, layers of the teacher (table V)
studies = dict(p08=(0.8, 3, 8), full=(0.7, 3, 8), p06=(0.6, 3, 8), m1=(0.7, 1, 8), k6=(0.7, 3, 6), k4=(0.7, 3, 4))
variants = dict(_delete_=True)
variants.update({name: dict(model=dict(backbone=network)) for name, network in _base_.networks.items()})
variants['paper']['model'].update(filler='noise')
variants['table6_n6']['model'].update(top_layers=6)  # of its 6 layers; the paper does not say
variants.update(
    {
        f'table5_{name}': dict(
            model=dict(top_layers=top_layers),
            train_dataloader=dict(dataset=dict(pipeline=hidden(rate, copies))),
            train_cfg=dict(max_epochs=15),
        )
        for name, (rate, copies, top_layers) in studies.items()
    }
)
