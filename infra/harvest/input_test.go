package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDatasetName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		manifests []string
		want      string
	}{
		{[]string{"/data/charts.json"}, "charts"},
		{[]string{"/data/charts v2 (final).jsonl"}, "charts-v2-final"},
		{[]string{"/data/demo/dataset.json"}, "demo"},
		{[]string{"/data/demo/Train.jsonl"}, "demo"},
		{[]string{"/data/both/a.json", "/data/other/b.json"}, "both"},
		{[]string{"/dataset.json"}, "dataset"},
		{[]string{"/データ/データ.json"}, "dataset-167738"},
		{[]string{"/a/数据.jsonl"}, "dataset-5440f7"},
		{[]string{"/a/данные.json"}, "dataset-9d8cf7"},
		{[]string{"/a/данные v2.json"}, "v2-955cb9"},
		{[]string{"/a/🐈.json"}, "dataset-65607d"},
		{[]string{"/a/résumé.json"}, "r-sum-e9f7b5"},
		{[]string{"/a/charts – final.json"}, "charts-final"},
		{[]string{"/数据/data.json"}, "dataset-5440f7"},
		{[]string{"/a/" + strings.Repeat("long", 20) + ".json"}, strings.Repeat("long", 20)},
		{[]string{"/a/" + strings.Repeat("long", 20) + "-2.json"}, strings.Repeat("long", 18) + "l-53e8d7"},
	} {
		if got := datasetName(tc.manifests); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.manifests, got, tc.want)
		}
	}
}

func TestManifestName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ manifests, want []string }{
		{[]string{"/a/x.json"}, []string{"x.json"}},
		{[]string{"/a/x.json", "/a/y.json"}, []string{"parts/x.json", "parts/y.json"}},
		{[]string{"/a/x.json", "/b/x.json", "/b/y.json"}, []string{"parts/1/x.json", "parts/2/x.json", "parts/y.json"}},
	} {
		in := input{Manifests: tc.manifests}
		var got []string
		for i := range in.Manifests {
			got = append(got, in.manifestName(i))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tc.manifests, diff)
		}
	}
}

// TestPipe checks the advice for a manifest that can be read only once.
func TestPipe(t *testing.T) {
	t.Parallel()
	if a := harvest(t, t.TempDir(), nil, "plan", "--state", "state", os.DevNull); a.status != 2 {
		t.Errorf("status %d: %s", a.status, a.stderr)
	} else {
		says(t, a.stderr, "manifest "+os.DevNull+": it is a pipe or a device; give - to read the standard input")
	}
}
