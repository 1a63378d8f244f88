# MotionBERT for one-shot recognition: 60.3 M parameters; NTU-120 67.4 % pretrained (paper).
_base_ = './motionbert.py'
model = dict(
    heads=dict(_delete_=True, embedding=dict(type='ActionEmbeddingHead', hidden_dims=2048, dropout=0.1, official=True))
)
