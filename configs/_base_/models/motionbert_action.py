# MotionBERT for 60 classes of actions: 60.4 M parameters; NTU-60 x-sub 93.0 %, x-view 97.2 % pretrained (paper).
_base_ = './motionbert.py'
model = dict(
    heads=dict(
        _delete_=True, action=dict(type='ActionHead', num_classes=60, hidden_dims=2048, dropout=0.5, official=True)
    )
)
