"""Columns of tables as many programs write them: each is understood, or pointed out."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiotl_cli.dataset.finder import Finder
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.layouts.registry import Source
from audiotl_cli.dataset.layouts.table import read_table
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.errors import DataError
from audiotl_cli.left_out import LeftOut, LeftOutCounter
from tests.dataset.folders import table, touch


def read(root: Path, text: str | bytes, name: str = "t.csv", **options: object) -> Source:
    path = root / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    counter = LeftOutCounter()
    return read_table(path, Finder(root), IndexOptions(**options), counter)  # type: ignore[arg-type]


TIMES = {
    "Kaleidoscope": "INDIR,FOLDER,IN FILE,CHANNEL,OFFSET,DURATION,Dur,TIME,MANUAL ID,TOP1MATCH\n"
    "C:\\rec,,a.wav,0,5,3,0.1,12:30:00,owl,x",
    "Sonic Visualiser": "file,start,duration,label\na.wav,5,3,owl",
    "Sonic Visualiser, time": "file,TIME,DURATION,LABEL\na.wav,5,3,owl",
    "BirdNET": "Start (s),End (s),Common name,Confidence,File\n5.0,8.0,owl,0.9,a.wav",
    "Raven": "Selection,Begin File,Begin Time (s),End Time (s),Delta Time (s),Begin Clock Time,"
    "Species\n1,a.wav,5,8,3,04:00:05,owl",
    "Raven, several files": "Selection\tBegin Path\tBegin File\tBegin Time (s)\tEnd Time (s)\t"
    "File Offset (s)\tSpecies\n1\tD:\\x\\a.wav\ta.wav\t65\t68\t5\towl",
    "Raven, samples": "Begin File,Begin Time (s),Begin Sample,End Time (s),End Sample (samples),"
    "Species\na.wav,5,80000,8,128000,owl",
    "DCASE": "filename\tonset\toffset\tevent_label\na.wav\t5.0\t8.0\towl",
    "BIDS": "file,onset,duration,label\na.wav,5,3,owl",
    "NeMo": "audio_filepath,offset,duration,label\na.wav,5,3,owl",
    "milliseconds": "path,start_ms,end_ms,label\na.wav,5000,8000,owl",
    "brackets": "path;Start [ms];Duration [s];label\na.wav;5000;3,0;owl",
    "minutes": "path,Start (min),Length (s),label\na.wav,0.083333333333,3,owl",
    "clock": "path,start_time,end_time,label\na.wav,00:00:05.00,0:08,owl",
    "pandas": "path,start,end,label\na.wav,0 days 00:00:05,0 days 00:00:08,owl",
    "units in cells": "path,start,end,label\na.wav,5 s,8000 ms,owl",
    "exponents": "path,start,end,label\na.wav,5e0,0.8e1,owl",
    "camel case": "filePath,startTime,endTime,label\na.wav,5,8,owl",
    "numpy": "wav,t_start,t_stop,label\na.wav,5,8,owl",
    "Praat": "file,xmin,xmax,text,label\na.wav,5,8,x,owl",
    "from and to": "recording,from,to,species\na.wav,5,8,owl",
    "samples": "path,start_sample,end_sample,sample_rate,label\na.wav,80000,128000,16000,owl",
    "ELAN": "file\tBegin Time - hh:mm:ss.ms\tEnd Time - ss.msec\tlabel\n"
    "a.wav\t00:00:05.000\t8.0\towl",
    "ELAN, ms": "file\tBegin Time - msec\tDuration - msec\tlabel\na.wav\t5000\t3000\towl",
    "warbleR": "sound.files,selec,start,end,bottom.freq,label\na.wav,1,5,8,2,owl",
    "one word": "filename,startsec,endms,label\na.wav,5,8000,owl",
    "bars": "path|start|end|label\na.wav|5|8|owl",
    "equal columns": "path,start,start_s,end,label\na.wav,5,5,8,owl",
    "R, csv": '"","path","start","end","label"\n"1","a.wav",5,8,"owl"',
    "R, table": '"path";"start";"end";"label"\n"1";"a.wav";5;8;"owl"',
}


@pytest.mark.parametrize("text", TIMES.values(), ids=TIMES.keys())
def test_starts_and_ends(tmp_path: Path, text: str) -> None:
    touch(tmp_path, "a.wav")
    (clip,) = read(tmp_path, f"{text}\n").clips
    assert (clip.path, clip.label) == ("a.wav", "owl")
    assert [clip.start_s, clip.end_s] == pytest.approx([5, 8])


WHOLE = {
    "duration of the recording": "path,duration,label\na.wav,30,owl",
    "no times": "path,start,end,label\na.wav,NaT,NaN,owl",
    "from 0": "path,start,end,label\na.wav,0 days 00:00:00,NaT,owl",
    "dates": "path,start_date,time,date,label\na.wav,2024-05-01,05:30:00,2024-05-01,owl",
    "codes of labels": "filename,target,category\na.wav,3,owl",
    "folders apart": "path,filename,label\nbirds,a.wav,owl",
    "trailing commas": "path,label,,\na.wav,owl,,\n,,,",
    "an empty column": "filename,Species,Annotation\na.wav,owl,",
    "groups by name and number": "filename,label,speaker,speaker_id\na.wav,owl,Ann,7",
    "pandas": ",path,label,Unnamed: 3\n0,a.wav,owl,1\n",
    "old Mac": "path,label\ra.wav,owl\r",
    "bars and a sep": "sep=|\npath|label\na.wav|owl",
    "blanks": " path , label \n a.wav , owl ",
    "empty rows and line breaks": 'path,notes,label\n\na.wav,"two\nlines",owl\n , ,\n',
    "a list of one": "path,labels\na.wav,['owl']",
}


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE.keys())
def test_whole_recordings(tmp_path: Path, text: str) -> None:
    touch(tmp_path, "a.wav")
    (clip,) = read(tmp_path, f"{text}\n").clips
    assert (clip.path, clip.label, clip.start_s or 0, clip.end_s) == ("a.wav", "owl", 0, None)


REFUSED = {
    "two labels": (
        "path,label,label\na.wav,owl,checked",
        "label.*'label' .owl.; 'label.1' .checked",
    ),
    "species and label": ("path,species,label\na.wav,owl,call", "--label-column label"),
    "names of a species": (
        "File,Scientific name,Common name\na.wav,Strix,owl\nb.wav,Asio,owl",
        "Understood so far: path: File. Say which, for example with --label-column 'Common name'",
    ),
    "two groups": (
        "path,site,speaker\na.wav,north,anna\nb.wav,north,ben",
        "can hold the group.*--group-column",
    ),
    "two starts": ("path,start,onset,end\na.wav,5,6,8", "can hold the start: 'start' .5.; 'onset'"),
    "two paths": ("file,filename\na.wav,b.wav", "can hold the path.*--path-column filename"),
    "an offset alone": ("path,offset,label\na.wav,5,owl", "'offset' holds times.*--start-column"),
    "a start alone": ("path,start,label\na.wav,5,owl", "'start' holds times.*--duration-column"),
    "an end alone": ("path,end,label\na.wav,5,owl", "'end' holds times"),
    "other names": (
        "path,event_start_pos,call_end,label\na.wav,5,8,owl",
        "'event_start_pos' and 'call_end' hold times.*path: path, label: label",
    ),
    "a time": ("path,time (s),label\na.wav,5,owl", r"'time \(s\)' holds times"),
    "samples": ("path,start_sample,end_sample\na.wav,5,8", "holds sample; expected seconds"),
    "frames": ("path,start (frames),end (frames)\na.wav,5,8", "holds frames; expected seconds"),
    "a date": ("path,start,end\na.wav,2024-05-01,2024-05-02", "line 2: start is '2024-05-01'"),
    "an end before": ("path,start,end\na.wav,5,4", "line 2: a clip from 5.0 s to 4.0 s"),
    "before 0": ("path,start,duration\na.wav,-5,4", "line 2: start is '-5', expected 0 or more"),
    "a negative length": ("path,start,duration\na.wav,5,-4", "line 2: duration is '-4', expected"),
    "seconds above 59": (
        "path,start,end\na.wav,0:05,0:75",
        "line 2: end is '0:75', expected a time",
    ),
    "thousands": ('path,start,end\na.wav,"1,234","1,240"', "can mean 1.234 or 1234"),
    "two signs": ("path;start;end\na.wav;1.234,5;1.240,0", "line 2: start is '1.234,5', expected"),
    "no header": ("a.wav,0,owl,train\nb.wav,0,fox,train", "the first row looks like data"),
    "no header, no endings": ("--abc,30,owl\n--abd,12,fox", "the first row looks like data"),
    "a hidden header": ("#path,label\na.wav,owl", "looks like data.*without a #"),
    "a comma without quotes": ("path,label\na.wav,owl, barn\nb.wav,fox", "line 2 has 3 cells"),
    "one clip, two splits": (
        "path,label,split\na.wav,owl,train\na.wav,fox,test",
        "line 3: the split of a.wav is 'test', but 'train' in line 2",
    ),
    "JSON": ('path,label\na.wav,"[{""start"": 5}]"', "line 2: the label is .*an object of JSON"),
    "a workbook": (b"PK\x03\x04", "a workbook"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_clear_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"(?s)t.csv.*{message}"):
        read(tmp_path, text)


def test_options_decide(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    text = "path,from,until_pos,offset,label,label\na.wav,5,8,1,owl,checked\n"
    options = {"end_column": "until pos", "label_column": "label.1"}
    assert read(tmp_path, text, **options).clips == [Clip("a.wav", "checked", start_s=5, end_s=8)]
    options = {"start_column": "offset", "duration_column": "from", "label_column": "label"}
    assert read(tmp_path, text, **options).clips == [Clip("a.wav", "owl", start_s=1, end_s=6)]
    options = {"start_column": "none", "label_column": "none"}
    assert read(tmp_path, text, **options).clips == [Clip("a.wav")]
    options = {"start_column": "from", "end_column": "none", "label_column": "label"}
    assert read(tmp_path, text, **options).clips == [Clip("a.wav", "owl", start_s=5)]


def test_folders_in_a_column_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path, "s1/rec.wav", "s2/rec.wav")
    text = "INDIR,FOLDER,IN FILE,MANUAL ID\nC:\\x,s1,rec.wav,owl\nC:\\x,s2\\,rec.wav,fox\n"
    assert read(tmp_path, text).clips == [Clip("s1/rec.wav", "owl"), Clip("s2/rec.wav", "fox")]


def test_json_lines_keep_numbers_as_they_are_written(tmp_path: Path) -> None:
    text = (
        '{"audio_filepath": "a.wav", "offset": 5, "duration": 3.0, "label": 1}\n'
        '{"audio_filepath": "a.wav", "offset": 8, "duration": 3.0, "label": 1.0}\n'
        '{"audio_filepath": "a.wav", "offset": 11, "duration": null, "label": "007"}\n'
    )
    clips = read(tmp_path, text, "manifest.json").clips
    assert [(clip.label, clip.start_s, clip.end_s) for clip in clips] == [
        ("1", 5, 8),
        ("1.0", 8, 11),
        ("007", 11, None),
    ]
    array = "[" + ",".join(text.splitlines()) + "]"
    assert read(tmp_path, array, "array.json").clips == clips
    with pytest.raises(DataError, match="not JSON in UTF-8: line 2, byte 9 is 0xf6"):
        read(tmp_path, b'{"p": "a.wav"}\n{"p": "M\xf6we.wav"}\n', "other.jsonl")
    with pytest.raises(DataError, match="expected an object a line"):
        read(tmp_path, '{\n "a": 1}', "object.json")


def test_odd_labels_stay_apart(tmp_path: Path) -> None:
    labels = ["None", "NA", "nan", "null", "True", "1", "1.0", "007"]
    text = "path,label\n" + "".join(f"{i}.wav,{label}\n" for i, label in enumerate(labels))
    assert [clip.label for clip in read(tmp_path, text).clips] == labels


# --- several labels -----------------------------------------------------------------


def test_a_row_for_each_label(tmp_path: Path) -> None:
    rows = [("a", "owl"), ("a", "rain"), ("b", "owl"), ("a", "rain"), ("c", "fox")]
    text = "path,label,fold\n" + "".join(f"{name}.wav,{label},1\n" for name, label in rows)
    path, counter = table(tmp_path, text), LeftOutCounter()
    assert read_table(path, Finder(tmp_path), IndexOptions(), counter).clips == [
        Clip("a.wav", "owl;rain", fold="1"),
        Clip("b.wav", "owl", fold="1"),
        Clip("c.wav", "fox", fold="1"),
    ]
    reason = "repeats another row"
    assert counter.found() == [LeftOut(reason, 1, (f"{path}, line 5",), unit="row")]


def test_a_few_rows_with_another_label_are_no_second_label(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{n}.wav" for n in range(30)))
    text = "path,label\n" + "".join(f"{n}.wav,owl\n" for n in range(30)) + "7.wav,fox\n"
    found = read(tmp_path, text)
    assert len(found.clips) == 31
    assert found.warnings[0].startswith(
        "1 of 30 clips of t.csv has several rows with different labels, such as 7.wav: 'owl' "
        "(line 9), 'fox' (line 32)."
    )


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("1.0", "0.0"), ("True", "FALSE")])
def test_a_column_for_each_label(tmp_path: Path, yes: str, no: str) -> None:
    text = f"file,start,end,dog,a;b,channel\na.wav,0,3,{yes},{yes},1\na.wav,3,6,{no},{yes},1\n"
    found = read(tmp_path, f"{text}b.wav,0,3,{no},{no},1\n")
    assert [clip.label for clip in found.clips] == ["a,b;dog", "a,b", ""]
    assert found.reading is not None
    assert found.reading.described()["label"] == "the names of dog, a;b (one-hot)"
    assert found.reading.unused() == ["channel"]


def test_joined_labels_are_pointed_out_and_can_be_parted(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav", "c.wav", "d.wav")
    text = (
        'fname,labels\na.wav,"Bark,Dog,Animal"\nb.wav,"Rain,Water"\nc.wav,Water\n'
        'd.wav,"Dog,Animal"\n'
    )
    found = read(tmp_path, text)
    assert found.clips[0].label == "Bark,Dog,Animal"
    assert "'Bark,Dog,Animal'. If they are, index with --label-separator ','" in found.warnings[0]
    parted = read(tmp_path, text, label_separator=",")
    assert parted.clips[0].label == "Bark;Dog;Animal"
    assert parted.warnings == []
    other = read(tmp_path, text.replace(",Dog", "&Dog").replace(",Animal", "&Animal"))
    assert "'Bark&Dog&Animal'. If they are, index with --label-separator '&'" in other.warnings[0]
    assert read(tmp_path, 'path,label\na.wav,"owl, barn"\nb.wav,"owl, snowy"\n').warnings == []


def test_without_a_column_of_labels(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    (warning,) = read(tmp_path, "path,kind,weather\na.wav,owl,dry\n").warnings
    assert warning.endswith("name one with --label-column: kind, weather")
    assert read(tmp_path, "path\na.wav\n").warnings == []


def test_other_splits_are_reported(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    found = read(tmp_path, "path,label,split\na.wav,owl,Train\nb.wav,owl,holdout\n")
    assert [clip.split for clip in found.clips] == ["train", "holdout"]
    assert found.warnings[0].startswith("1 clips of t.csv are in splits that are not used")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_are_a_table_or_a_data_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for header in (b"path,start,duration,label\n", b"path;start_ms;end_ms;offset\n", b""):
            try:
                found = read(Path(folder), header + content)
            except DataError as error:
                assert "t.csv" in str(error)  # noqa: PT017
            else:
                assert all(clip.path and (clip.start_s or 0) >= 0 for clip in found.clips)


def test_points(tmp_path: Path) -> None:
    text = "path,start,end,label\na.wav,5,5,owl\na.wav,0.1,0.1,owl\na.wav,7,8,fox\n"
    assert read(tmp_path, text).clips == [Clip("a.wav", "fox", start_s=7, end_s=8)]
    assert [
        (clip.start_s, clip.end_s) for clip in read(tmp_path, text, point_width_s=1.0).clips
    ] == [
        (4.5, 5.5),
        (0, 1),
        (7, 8),
    ]


def test_times_of_marks_are_not_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    text = "file,time,label\na.wav,0.5,owl\na.wav,1.5,frog\nb.wav,0.5,owl\n"
    with pytest.raises(DataError, match="'time' holds times, but it is not clear"):
        read(tmp_path, text)
    assert len(read(tmp_path, text, start_column="none").clips) == 2
    marks = read(tmp_path, text, start_column="time", end_column="time", point_width_s=1.0)
    assert [(clip.start_s, clip.end_s) for clip in marks.clips] == [(0, 1), (1, 2), (0, 1)]
