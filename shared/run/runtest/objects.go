package runtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
)

// Account checks that every sample has an outcome in every shard, range and marker of a scored run, and returns the
// counts.
func (f *Fixture) Account(plan *run.Plan) events.Counts {
	f.t.Helper()
	var total events.Counts
	for r, rng := range plan.Ranges {
		var report run.RangeReport
		f.ReadJSON(fmt.Sprintf("runs/%s/ranges/%04d.json", plan.Run, r), &report)
		if report.Range != r || report.Samples != plan.RangeSamples(r) || rng.FirstIndex != total.In {
			f.t.Errorf("range %d: the report has %d samples, the plan %d from %d on",
				r, report.Samples, plan.RangeSamples(r), rng.FirstIndex)
		}
		var records []scores.Record
		for shard, n := range report.Shards {
			table := f.table(fmt.Sprintf("runs/%s/rated/%04d/%07d.parquet", plan.Run, r, shard))
			if len(table) != n {
				f.t.Errorf("shard %d of range %d: %d samples have scores, and the report has %d", shard, r, len(table), n)
			}
			records = append(records, table...)
		}
		if diff := cmp.Diff(records, f.RangeScores(plan, r)); diff != "" {
			f.t.Errorf("range %d has other scores than its shards (-shards +range):\n%s", r, diff)
		}
		for i, rec := range records {
			if rec.Range != r || rec.Position != i {
				f.t.Errorf("sample %s: it is position %d of range %d, and should be %d of %d",
					rec.ID, rec.Position, rec.Range, i, r)
			}
			total.In++
			switch rec.Status {
			case scores.OK:
				total.Scored++
			case scores.Failed:
				total.Failed++
			case scores.Skipped:
				total.Skipped++
			}
		}
	}
	var marker run.Scored
	f.ReadJSON("runs/"+plan.Run+"/scored", &marker)
	diff := cmp.Diff(total, marker.Samples)
	if diff != "" || total.In != plan.Samples || total.In != total.Scored+total.Failed+total.Skipped {
		f.t.Errorf("of %d samples (-scores +marker):\n%s", plan.Samples, diff)
	}
	return total
}

// Records returns the scores of a run, by sample id.
func (f *Fixture) Records(plan *run.Plan) map[string]scores.Record {
	f.t.Helper()
	found := map[string]scores.Record{}
	for r := range plan.Ranges {
		for _, rec := range f.RangeScores(plan, r) {
			found[rec.ID] = rec
		}
	}
	return found
}

// RangeScores returns the scores of one range.
func (f *Fixture) RangeScores(plan *run.Plan, r int) []scores.Record {
	f.t.Helper()
	return f.table(fmt.Sprintf("runs/%s/scores/%04d.parquet", plan.Run, r))
}

func (f *Fixture) table(name string) []scores.Record {
	f.t.Helper()
	data := f.Read(name)
	table, err := scores.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	return table.Records
}

// WithoutSeen returns a file of scores without the states of images, so that files can be compared whose images have
// different generations.
func WithoutSeen(t testing.TB, file []byte) []byte {
	t.Helper()
	table, err := scores.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range table.Records {
		table.Records[i].Seen = nil
	}
	var out bytes.Buffer
	if err := scores.Write(&out, table.Capabilities, table.Records); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Read reads an object of the work bucket.
func (f *Fixture) Read(name string) []byte {
	f.t.Helper()
	data, err := bucket.ReadAll(f.t.Context(), f.Work, name)
	f.must(err)
	return data
}

// Replace replaces the content of an object of the work bucket. No process of Harvest does this. The process after
// Restart finds the new content.
func (f *Fixture) Replace(name string, content []byte) {
	f.t.Helper()
	f.change(func(object string, data []byte) ([]byte, bool) {
		if object == name {
			data = content
		}
		return data, true
	})
}

// Remove removes the objects of the work bucket below a prefix. No process of Harvest does this. The process after
// Restart does not find the objects.
func (f *Fixture) Remove(prefix string) {
	f.t.Helper()
	f.change(func(object string, data []byte) ([]byte, bool) { return data, !strings.HasPrefix(object, prefix) })
}

// change replaces the work bucket by a bucket with changed objects.
func (f *Fixture) change(to func(object string, data []byte) (content []byte, kept bool)) {
	f.t.Helper()
	changed := bucket.NewMemory()
	for _, object := range f.Objects("") {
		if content, kept := to(object, f.Read(object)); kept {
			_, err := bucket.CreateBytes(f.t.Context(), changed, object, content)
			f.must(err)
		}
	}
	f.Work = changed
}

// ReadJSON reads an object of the work bucket.
func (f *Fixture) ReadJSON(name string, v any) {
	f.t.Helper()
	if err := json.Unmarshal(f.Read(name), v); err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
}

// Objects returns the names of the work bucket below a prefix.
func (f *Fixture) Objects(prefix string) []string {
	f.t.Helper()
	names := []string{}
	for attrs, err := range f.Work.List(f.t.Context(), prefix, "") {
		f.must(err)
		names = append(names, attrs.Name)
	}
	return names
}

var (
	deliveryID = regexp.MustCompile(`"delivery": "[^"]*"`)
	// bookkeeping are the objects that record publications and attempts.
	bookkeeping = regexp.MustCompile(`^index/|/(started|sent|again|waves|made|items)/|\.sent$|/accepted$`)
)

// Snapshot returns a hash of every object of the work bucket, by name, except records of publications and attempts. It
// ignores delivery ids.
func (f *Fixture) Snapshot() map[string]string {
	f.t.Helper()
	hashes := map[string]string{}
	for _, name := range f.Objects("") {
		// A late delivery writes temporary objects again; reconcile removes them.
		if bookkeeping.MatchString(name) || strings.HasPrefix(name, bucket.TemporaryPrefix) {
			continue
		}
		sum := sha256.Sum256(deliveryID.ReplaceAll(f.Read(name), nil))
		hashes[name] = fmt.Sprintf("%x", sum[:6])
	}
	return hashes
}
