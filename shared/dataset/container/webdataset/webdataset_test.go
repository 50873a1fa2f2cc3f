package webdataset_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/webdataset"
)

// A source is a file in memory.
type source []byte

func (s source) Size(context.Context) (int64, error) { return int64(len(s)), nil }

func (s source) Open(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	if length < 0 {
		length = math.MaxInt64
	}
	offset = min(offset, int64(len(s)))
	return io.NopCloser(io.LimitReader(bytes.NewReader(s[offset:]), length)), nil
}

// file returns a member with a content.
func file(name, content string) *tar.Header {
	return &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content)), Linkname: content}
}

// archive returns a tar of members. The link of a regular member is its content.
func archive(tb testing.TB, members ...*tar.Header) []byte {
	tb.Helper()
	var b bytes.Buffer
	out := tar.NewWriter(&b)
	for _, m := range members {
		header, content := *m, ""
		if header.Typeflag == tar.TypeReg {
			header.Linkname, content = "", m.Linkname
		}
		if err := out.WriteHeader(&header); err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(out, content); err != nil {
			tb.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

var limits = dataset.Limits{MaxRecordBytes: 1000}

// scan finds the records of an archive, in steps.
func scan(tb testing.TB, from source, rangeBytes, stepBytes int64) (dataset.Layout, error) {
	tb.Helper()
	var at dataset.Scan
	for !at.Done {
		next, err := webdataset.Kind().Scan(tb.Context(), from, at, rangeBytes, stepBytes)
		if err != nil {
			return dataset.Layout{}, err
		}
		if !next.Done && next.Size <= at.Size {
			tb.Fatalf("a step leads from %d to %d", at.Size, next.Size)
		}
		at = next
	}
	return at.Layout, nil
}

// records returns all records of an archive.
func records(tb testing.TB, from source, rangeBytes int64) []dataset.Record {
	tb.Helper()
	layout, err := scan(tb, from, rangeBytes, math.MaxInt64)
	if err != nil {
		tb.Fatal(err)
	}
	var all []dataset.Record
	for _, span := range layout.Ranges {
		for r, err := range webdataset.Kind().Records(tb.Context(), from, span, "a.tar", limits) {
			if err != nil {
				tb.Fatal(err)
			}
			r.Raw = bytes.Clone(r.Raw)
			all = append(all, r)
		}
	}
	if int64(len(all)) != layout.Records {
		tb.Fatalf("%d records, and %d were found before", len(all), layout.Records)
	}
	return all
}

// shown returns a record as one line: its key, its content or fault, and the first letters of its images.
func shown(tb testing.TB, from source, r dataset.Record) string {
	tb.Helper()
	text := string(r.Raw)
	if r.Fault != nil {
		text = r.Fault.Reason()
	}
	line := r.Place.Key + ": " + text
	values := webdataset.Kind().Values(from)
	for n := range r.Stored.Values {
		size, fault, err := values.Size(tb.Context(), r, n)
		if fault != nil || err != nil {
			tb.Fatal(fault, err)
		}
		data, fault, err := values.Read(tb.Context(), r, n)
		if err != nil || fault != nil || int64(len(data)) != size {
			tb.Fatalf("reading %d of %d bytes: %v, %v", len(data), size, fault, err)
		}
		line += " " + string(data[:min(len(data), 8)])
	}
	return line
}

var (
	longFolder = strings.Repeat("übung/", 30)
	gnuName    = &tar.Header{
		Name: strings.Repeat("d/", 60) + "n.json", Typeflag: tar.TypeReg, Size: 2, Linkname: "{}", Format: tar.FormatGNU,
	}
	link   = &tar.Header{Name: "l.jpg", Typeflag: tar.TypeSymlink, Linkname: "a.jpg"}
	folder = &tar.Header{Name: "pics/", Typeflag: tar.TypeDir}
)

// archives has the members of archives as users make them, and the records that are expected, as shown returns them.
var archives = map[string]struct {
	members []*tar.Header
	want    []string
}{
	"image by its name": {
		[]*tar.Header{file("a.jpg", "A"), file("a.json", `{"id": 1, "image": "a.jpg", "n": [1, {"x": null}]}`)},
		[]string{`a: {"id": 1, "image": {"path": "a.jpg", "embedded": 0}, "n": [1, {"x": null}]} A`},
	},
	"images that are not named": {
		[]*tar.Header{file("a.1.jpg", "A1"), file("a.2.JPG", "A2"), file("a.json", `{"x": 1}`)},
		[]string{`a: {"x": 1, "images": [{"path": "a.1.jpg", "embedded": 0}, {"path": "a.2.JPG", "embedded": 1}]} A1 A2`},
	},
	"other names": {
		[]*tar.Header{file("a.json", `{"image": "coco/17.png"}`), file("a.png", "A")},
		[]string{`a: {"image": [{"path": "a.png", "embedded": 0}]} A`},
	},
	"names by field, order of the record": {
		[]*tar.Header{file("a.json", `{"images": ["2.png", "x/a.1.png"]}`), file("a.1.png", "A1"), file("a.2.png", "A2")},
		[]string{`a: {"images": [{"path": "2.png", "embedded": 1}, {"path": "x/a.1.png", "embedded": 0}]} A1 A2`},
	},
	"parts": {
		[]*tar.Header{
			file("a.json", `{"messages": [{"content": [{"type": "image_url", "image_url": {"url": "a.png"}}, `+
				`{"type": "image", "image": "a.png"}, {"type": "text", "text": "a.png"}]}]}`),
			file("a.png", "A"),
		},
		[]string{`a: {"messages": [{"content": [{"type": "image_url", "image_url": {"url": "a.png", "embedded": 0}}, ` +
			`{"type": "image", "image": {"path": "a.png", "embedded": 0}}, {"type": "text", "text": "a.png"}]}]} A`},
	},
	"folders and ./": {
		[]*tar.Header{
			folder, file("./pics/a.json", "{}"), folder, file("./pics/a.jpg", "A"), file("pics/._a.jpg", "mac"),
			file("LICENSE", "free"), file("other/a.json", `{"o": 1}`), file("b.c/d.json", `{"d": 1}`),
		},
		[]string{
			`pics/a: {"images": [{"path": "./pics/a.jpg", "embedded": 0}]} A`, `other/a: {"o": 1}`, `b.c/d: {"d": 1}`,
		},
	},
	"long names": {
		[]*tar.Header{file(longFolder+"ä.json", "{}"), file(longFolder+"ä.jpg", "A"), gnuName, file("z.json", "{}")},
		[]string{
			longFolder + `ä: {"images": [{"path": "` + longFolder + `ä.jpg", "embedded": 0}]} A`,
			strings.Repeat("d/", 60) + "n: {}", "z: {}",
		},
	},
	"text and no JSON": {
		[]*tar.Header{file("a.cls", "7\n"), file("a.jpg", "A"), file("b.txt", " a \"cat\" ")},
		[]string{`a: {"cls": "7", "images": [{"path": "a.jpg", "embedded": 0}]} A`, `b: {"txt": "a \"cat\""}`},
	},
	"other media": {
		[]*tar.Header{file("a.json", "{}"), file("a.mp4", "A"), file("b.json", `{"audio": 1}`), file("b.wav", "B")},
		[]string{`a: {"video": "a.mp4"}`, `b: {"audio": 1}`},
	},
	"no object": {
		[]*tar.Header{file("a.json", "[1]"), file("b.json", ""), file("c.json", "\ufeff{}\n"), file("d.json", "{")},
		[]string{"a: [1]", "b: null", "c: {}", "d: {"},
	},
	"members apart": {
		[]*tar.Header{file("a.json", `{"image": "x/a.jpg"}`), file("b.json", "{}"), file("a.jpg", "A")},
		[]string{
			`a: member unusable: a.json: the record names "x/a.jpg", which is not next to it; the members of a sample ` +
				`have to follow each other, as tar --sort=name writes them`, "b: {}",
			`a: member unusable: a.jpg: there is no a.json next to it; the members of a sample have to follow each other, ` +
				`as tar --sort=name writes them A`,
		},
	},
	"links and doubles": {
		[]*tar.Header{link, file("l.json", "{}"), file("m.json", "{}"), file("m.json", "{}"), file("n.json", "{}")},
		[]string{
			"l: member unusable: l.jpg: the member is a symbolic link; put the file itself into the archive, as tar " +
				"--dereference does",
			"m: member unusable: m.json: the archive has this name twice in one sample; keep one of the two members",
			"n: {}",
		},
	},
	"too large": {
		[]*tar.Header{file("a.json", strings.Repeat(" ", 1001)), file("b.json", "{}")},
		[]string{
			"a: record too large: the record has 1001 bytes, more than the 1000 allowed (MAX_RECORD_BYTES); shorten it",
			"b: {}",
		},
	},
	"none": {nil, nil},
}

// TestRecords reads samples as in users' archives.
func TestRecords(t *testing.T) {
	t.Parallel()
	for name, tc := range archives {
		for _, rangeBytes := range []int64{1, 4000, math.MaxInt64} {
			from := source(archive(t, tc.members...))
			var got []string
			for i, r := range records(t, from, rangeBytes) {
				got = append(got, shown(t, from, r))
				if r.Place.Element != int64(i)+1 || !r.Place.InContainer() {
					t.Errorf("%s: record %d is element %d", name, i+1, r.Place.Element)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s, ranges of %d bytes (-want +got):\n%s", name, rangeBytes, diff)
			}
		}
	}
}

// many returns an archive of samples with an image and a record each.
func many(tb testing.TB, samples int) []byte {
	tb.Helper()
	var members []*tar.Header
	for i := range samples {
		key := fmt.Sprintf("%06d", i)
		if i%5 == 0 {
			key = strings.Repeat("long/", 30) + key
		}
		members = append(members, file(key+".1.jpg", strings.Repeat("x", 100*i)), file(key+".json", `{"x": 1}`))
	}
	return archive(tb, members...)
}

// TestScanInSteps checks that the ranges do not depend on the size of steps.
func TestScanInSteps(t *testing.T) {
	t.Parallel()
	from := source(many(t, 40))
	for _, rangeBytes := range []int64{1, 10_000, math.MaxInt64} {
		want, err := scan(t, from, rangeBytes, math.MaxInt64)
		if err != nil {
			t.Fatal(err)
		}
		if want.Size != int64(len(from)) || want.Records != 40 || want.Format != dataset.Tar {
			t.Errorf("found %+v", want)
		}
		for _, stepBytes := range []int64{1, 3000, 20_000} {
			got, err := scan(t, from, rangeBytes, stepBytes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ranges of %d bytes, steps of %d (-want +got):\n%s", rangeBytes, stepBytes, diff)
			}
		}
	}
}

// TestCutShort cuts an archive at every byte. Complete samples are read, and one sample fails because of the cut, even
// if the cut is between two samples. An archive is complete only if it has the first block of zeros at its end.
func TestCutShort(t *testing.T) {
	t.Parallel()
	whole := archive(t, file("a.jpg", "A"), file("a.json", "{}"), file("b.json", "{}"), file("b.jpg", "B"))
	const sample = 2048
	for n := 1; n < len(whole); n++ {
		faults := 0
		all := records(t, source(whole[:n]), math.MaxInt64)
		for i, r := range all {
			switch {
			case r.Fault == nil:
			case r.Fault.Code != dataset.MemberUnusable || i == 0 && n >= sample || i == 1 && n >= 2*sample:
				t.Errorf("cut at %d: %s: %s", n, r.Place, r.Fault.Reason())
			default:
				faults++
			}
		}
		cut := n < 2*sample+512
		if cut != (faults > 0) || len(all) > 3 {
			t.Errorf("cut at %d: %d of %d samples fail", n, faults, len(all))
		}
		if n == sample {
			want := "the archive ends at byte 2048 without the final blocks of zeros: it is cut short between two samples"
			if detail := all[1].Fault.Detail; !strings.Contains(detail, want) {
				t.Errorf("cut between two samples: %q, want %q", detail, want)
			}
		}
	}
}

// TestSpanEnds reads spans that end in the middle of an archive. That is not a cut.
func TestSpanEnds(t *testing.T) {
	t.Parallel()
	from := source(archive(t, file("a.json", "{}"), file("a.png", "A"), file("b.json", "{}"), file("c.json", "{}")))
	for _, rangeBytes := range []int64{1, 2048, 3072, 4096} {
		for _, r := range records(t, from, rangeBytes) {
			if r.Fault != nil {
				t.Errorf("ranges of %d bytes: %s: %s", rangeBytes, r.Place, r.Fault.Reason())
			}
		}
	}
}

// TestCutInSample cuts an archive between two members of a sample. The sample is not accepted as a sample without an
// image.
func TestCutInSample(t *testing.T) {
	t.Parallel()
	whole := archive(t, file("a.json", "{}"), file("a.png", "A"), file("b.json", "{}"), file("b.png", "B"))
	for n := 3072; n < 3600; n += 60 {
		var got []string
		for _, r := range records(t, source(whole[:n]), 1<<20) {
			got = append(got, shown(t, source(whole[:n]), r))
		}
		want := fmt.Sprintf("b: member unusable: b.json: the archive is cut short after this member, at byte %d, and a "+
			"member png may be missing: the previous sample has one; copy the archive whole", n)
		if len(got) != 3 || strings.Contains(got[0], "unusable") || got[1] != want {
			t.Errorf("cut at %d: %q, want %q", n, got, want)
		}
	}
}

// TestEnds reads archives with the ends that programs write: one or two blocks of zeros, or as many as fill a record.
func TestEnds(t *testing.T) {
	t.Parallel()
	sample := archive(t, file("a.json", "{}"))[:1024]
	for _, zeros := range []int{512, 1024, 9216, 20480} {
		all := records(t, source(append(bytes.Clone(sample), make([]byte, zeros)...)), math.MaxInt64)
		if len(all) != 1 || all[0].Fault != nil {
			t.Errorf("%d bytes of zeros at the end: %d records, the first with %v", zeros, len(all), all[0].Fault)
		}
	}
}

// TestRefusals checks the reasons why an archive as a whole cannot be read.
func TestRefusals(t *testing.T) {
	t.Parallel()
	two := archive(t, file("a.json", "{}"))
	damaged := many(t, 3)
	copy(damaged[len(damaged)-3000:], strings.Repeat("\xff", 1500))
	sparse := &tar.Header{Name: "s.jpg", Typeflag: tar.TypeReg, Size: 5, Linkname: "abcde", Format: tar.FormatPAX,
		PAXRecords: map[string]string{"GNX.sparse.major": "1"}}
	holes := bytes.ReplaceAll(archive(t, sparse), []byte("GNX.sparse"), []byte("GNU.sparse"))
	for want, from := range map[string][]byte{
		"another archive follows the archive's end at byte 2048, as after joining": append(bytes.Clone(two), two...),
		"the archive's end at byte 1536":                                           append(bytes.Clone(two[:1536]), two...),
		"other content follows the end of the archive, at byte 2050; copy the archive again, or remove": append(
			bytes.Clone(two), "\x00\x00junk"...),
		"the archive is damaged at byte":        damaged,
		"the member \"s.jpg\" is a sparse file": holes,
	} {
		_, err := scan(t, from, 1000, math.MaxInt64)
		if format, ok := errors.AsType[*dataset.FormatError](err); !ok || !strings.Contains(format.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestSubset writes every third sample, and then all samples, from ranges of several sizes. The members are unchanged.
func TestSubset(t *testing.T) {
	t.Parallel()
	from := source(many(t, 40))
	all := records(t, from, 10_000)
	for _, every := range []int{1, 3, 100} {
		var want, kept []string
		for i := 0; i < len(all); i += every {
			want = append(want, shown(t, from, all[i]))
		}
		for _, rangeBytes := range []int64{1, 10_000, math.MaxInt64} {
			subset := source(subsetOf(t, from, rangeBytes, every))
			kept = nil
			for _, r := range records(t, subset, 10_000) {
				kept = append(kept, shown(t, subset, r))
			}
			if diff := cmp.Diff(want, kept); diff != "" {
				t.Errorf("every %d, ranges of %d bytes (-want +got):\n%s", every, rangeBytes, diff)
			}
			if every == 1 && !bytes.Equal(subset, from) {
				t.Errorf("ranges of %d bytes: the subset of all samples has other bytes than the archive", rangeBytes)
			}
		}
	}
}

// subsetOf returns an archive of every n-th sample.
func subsetOf(tb testing.TB, from source, rangeBytes int64, every int) []byte {
	tb.Helper()
	layout, err := scan(tb, from, rangeBytes, math.MaxInt64)
	if err != nil {
		tb.Fatal(err)
	}
	kind := webdataset.Kind()
	var out, notes bytes.Buffer
	written := 0
	for i, span := range layout.Ranges {
		var taken []dataset.Record
		for r, err := range kind.Records(tb.Context(), from, span, "a.tar", limits) {
			if err != nil {
				tb.Fatal(err)
			}
			if (r.Place.Element-1)%int64(every) == 0 {
				r.Raw = nil
				taken = append(taken, r)
			}
		}
		part := dataset.Part{First: i == 0, Last: i == len(layout.Ranges)-1, Follows: written > 0}
		note, err := kind.Part(tb.Context(), &out, from, taken, part)
		if err != nil {
			tb.Fatal(err)
		}
		written += len(taken)
		notes.Write(note)
	}
	if err := kind.End(&out, &notes); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// TestIs recognises archives by their first header. A text can contain the mark of the header.
func TestIs(t *testing.T) {
	t.Parallel()
	brace := archive(t, file("{1}.json", "{}"))
	for name, tc := range map[string]struct {
		head []byte
		want bool
	}{
		"archive": {brace, true}, "its first block": {brace[:512], true}, "less": {brace[:261], false},
		"nothing": {nil, false},
		"text":    {[]byte(strings.Repeat(" ", 257) + "ustar"), false},
	} {
		if got := webdataset.Kind().Is(tc.head); got != tc.want {
			t.Errorf("%s: recognised: %v", name, got)
		}
	}
}

// TestManyMembers reads files whose names have a dot after the first letter, so that all files belong to one sample.
// The sample fails, and needs little time and memory.
func TestManyMembers(t *testing.T) {
	t.Parallel()
	var members []*tar.Header
	for i := range 12_000 {
		members = append(members, file(fmt.Sprintf("a.%d.json", i), "{}"))
	}
	from := source(archive(t, append(members, file("b.json", "{}"))...))
	got := records(t, from, 1<<20)
	want := "member unusable: a.10000.json: 10000 members have the key \"a\", their name up to the first dot; " +
		"use one key for the members of one sample, and another key for each other sample"
	if len(got) != 2 || got[0].Fault == nil || got[0].Fault.Reason() != want || string(got[1].Raw) != "{}" {
		t.Errorf("%d records, the first with %+v", len(got), got[0].Fault)
	}
}
