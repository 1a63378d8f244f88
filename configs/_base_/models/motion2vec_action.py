# Motion2vec for 60 classes of actions (released x-view: 14 layers); NTU-60 x-sub 88.1 %, x-view 93.4 % (paper).
_base_ = './motion2vec.py'
model = dict(
    heads=dict(
        _delete_=True, action=dict(type='ActionHead', num_classes=60, hidden_dims=2048, dropout=0.5, official=True)
    )
)
