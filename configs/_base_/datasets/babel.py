# BABEL's labelled stretches of AMASS; data/amass as in amass.py, data/babel_v1.0_release from babel.is.tue.mpg.de.
# BABEL's parts go across AMASS' subsets.
_base_ = './amass.py'

labels = '{{$POSELIFTER_DATA:data}}/babel_v1.0_release'
train_dataloader = dict(dataset=dict(type='BABELDataset', split='all', ann_file=labels + '/train.json'))
val_dataloader = dict(dataset=dict(type='BABELDataset', split='all', ann_file=labels + '/val.json'))
test_dataloader = val_dataloader
