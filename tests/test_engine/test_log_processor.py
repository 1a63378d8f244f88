from types import SimpleNamespace

from mmengine.logging import MessageHub

from poselifter.engine import MotionLogProcessor


def test_groups_stay_out_of_the_line():
    hub = MessageHub.get_instance('log_processor_test')
    for key, value in {'MPJPE': 50.0, 'MPJPE/walk': 40.0, 'source_format/a/MPJPE': 60.0, 'time': 1.0}.items():
        hub.update_scalar(f'val/{key}', value)
    loops = {'val_loop': SimpleNamespace(dataloader=range(7)), 'train_loop': None, '_train_loop': {}}
    runner = SimpleNamespace(message_hub=hub, epoch=3, val_dataloader=range(7), **loops)
    tag, text = MotionLogProcessor().get_log_after_epoch(runner, 6, 'val')
    assert text == 'Epoch(val) [0][7/7]    MPJPE: 50.0000  time: 1.0000'
    assert tag['MPJPE/walk'] == 40.0
