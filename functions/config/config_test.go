package config_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/functions/config"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/scorer/llm"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/sethvargo/go-envconfig"
)

// valid returns the smallest environment in which a function starts.
func valid() map[string]string {
	return map[string]string{
		"FUNCTION_TARGET": "ingest", "GOOGLE_CLOUD_PROJECT": "farm",
		"INPUT_BUCKET": "gs://input", "WORK_BUCKET": "gs://work",
	}
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	got, err := config.Read[config.Planning](t.Context(), envconfig.MapLookuper(valid()))
	if err != nil {
		t.Fatal(err)
	}
	fivePercent, err := run.ParseAllowance("5%")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Planning{
		Function: config.Function{
			Target: "ingest", Port: "8080", Project: "farm", InputBucket: "gs://input", WorkBucket: "gs://work",
			TasksTopic: "harvest-tasks", EventsTopic: "harvest-events", Deployment: "harvest",
			Scorers: kinds.Config{LLM: llm.Config{
				Mode: "json", MaxTokens: 2048, ImageSide: 1024, Concurrency: 8, Timeout: 2 * time.Minute, ImageTokens: 1000,
			}},
			Selections: subset.DefaultLimits(),
		},
		Limits: run.Limits{
			Scorer: "embedded", Records: dataset.Limits{MaxRecordBytes: 32 << 20},
			Images: images.Limits{
				MaxBytes: 64 << 20, MaxPixels: 100_000_000,
				MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
			},
			Compressed: compression.Limits{Gzip: 16 << 30, Zstd: 32 << 30, Bzip2: 2 << 30, XZ: 4 << 30},
			PlanBytes:  8 << 30, RangeBytes: 16 << 20, ShardSamples: 200, ShardBytes: 64 << 20, InFlight: 16,
			MaxFailed: fivePercent,
		},
	}
	amounts := cmpopts.EquateComparable(
		selection.Budget{}, selection.Cap{}, selection.VisualTokens{}, run.Allowance{})
	if diff := cmp.Diff(want, got, amounts); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestConfigReadsLists(t *testing.T) {
	t.Parallel()
	env := valid()
	env["IMAGE_BUCKETS"], env["DEFAULT_BUDGET"] = "coco,vg", "30%"
	got, err := config.Read[config.Planning](t.Context(), envconfig.MapLookuper(env))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"coco", "vg"}, got.ImageBuckets); diff != "" || got.Limits.Budget.String() != "0.3" {
		t.Errorf("budget %q, image buckets (-want +got):\n%s", got.Limits.Budget, diff)
	}
}

// invalidEnvironments lists changes to a valid environment, with the expected error.
var invalidEnvironments = map[string]struct {
	env   map[string]string // set in addition to those of valid()
	named []string
}{
	"nothing set": {
		map[string]string{"FUNCTION_TARGET": "", "GOOGLE_CLOUD_PROJECT": "", "INPUT_BUCKET": "", "WORK_BUCKET": ""},
		[]string{"FUNCTION_TARGET", "GOOGLE_CLOUD_PROJECT", "INPUT_BUCKET", "WORK_BUCKET"},
	},
	"mistyped function": {
		map[string]string{"FUNCTION_TARGET": "scores"},
		[]string{`"scores" is not a function; give ingest, score or curate`},
	},
	"zero limits": {
		map[string]string{"SHARD_SAMPLES": "0", "MAX_RUN_COST": "-1", "POOL_BYTES": "0"},
		[]string{"SHARD_SAMPLES: 0", "MAX_RUN_COST", "POOL_BYTES: 0"},
	},
	"URL without a scheme": {map[string]string{"GPU_SIDECAR": "sidecar:8080"}, []string{"GPU_SIDECAR", `"sidecar:8080"`}},
	"text that is not a price": {
		map[string]string{"LLM_MODEL": "m", "LLM_MAX_COST": "1"}, []string{"LLM_MAX_COST", "LLM_PRICES"},
	},
	"text that is not a number": {map[string]string{"SHARD_SAMPLES": "many"}, []string{`SHARD_SAMPLES: `, "many"}},
	"several faults": {
		map[string]string{
			"SHARD_SAMPLES": "many", "SHARD_BYTES": "0", "MAX_IMAGE_BYTES": "x", "WORK_BUCKET": "", "GPU_SIDECAR": "here",
		},
		[]string{"SHARD_SAMPLES", "SHARD_BYTES: 0", "MAX_IMAGE_BYTES", "WORK_BUCKET", "GPU_SIDECAR"},
	},
	"scorer without URL": {map[string]string{"SCORER": "gpu"}, []string{`SCORER: "gpu"`, "GPU_SIDECAR"}},
	"no such scorer":     {map[string]string{"SCORER": "gpt"}, []string{`SCORER: "gpt"`, "embedded, gpu and llm"}},
	"scorer with URL": {
		map[string]string{"SCORER": "gpu:http://localhost:1"}, []string{"SCORER", "give only the kind, gpu"},
	},
	"no audience and no sender": {
		map[string]string{"K_SERVICE": "harvest-ingest"}, []string{"PUSH_AUDIENCE and PUSH_SENDER"},
	},
	"audience without sender": {
		map[string]string{"K_SERVICE": "harvest-ingest", "PUSH_AUDIENCE": "harvest-ingest"},
		[]string{"PUSH_SENDER: it is not set"},
	},
	"invalid endpoint of traces": {
		map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"},
		[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", `"localhost:4318"`},
	},
	"no budget": {map[string]string{"DEFAULT_BUDGET": "half"}, []string{`budget "half"`}},
	"price of an unknown scorer": {
		map[string]string{"COST_PER_MILLION": "bogus=1,gpv=2,gpu=3"},
		[]string{`COST_PER_MILLION: "bogus": there is no such kind; the kinds are`, `"gpv": there is no such kind; did you`},
	},
	"price without a kind": {
		map[string]string{"COST_PER_MILLION": "gpu"}, []string{`COST_PER_MILLION: "gpu": give kinds`},
	},
	"price above the limit": {
		map[string]string{"COST_PER_MILLION": "gpu=1e300"},
		[]string{`COST_PER_MILLION: "gpu=1e300": 1e+300 is not from 0 to 1000000000 US dollars`},
	},
	"price that is not a number": {
		map[string]string{"COST_PER_MILLION": "gpu=0x10"}, []string{`COST_PER_MILLION: "gpu=0x10": "0x10" is not a number`},
	},
	"infinite cost": {
		map[string]string{"MAX_RUN_COST": "inf", "LLM_MAX_COST": "Infinity"},
		[]string{`MAX_RUN_COST: "inf" is not a number`, `LLM_MAX_COST: "Infinity" is not a number`},
	},
	"cost NaN":             {map[string]string{"MAX_RUN_COST": "NaN"}, []string{`MAX_RUN_COST: "NaN" is not a number`}},
	"cost above the limit": {map[string]string{"MAX_RUN_COST": "1e300"}, []string{`MAX_RUN_COST: 1e+300 is not from 0`}},
	"numbers as in Go source": {
		map[string]string{
			"SHARD_SAMPLES": "1_000", "IN_FLIGHT": "0x10", "MAX_SAMPLE_IMAGES": "010", "LLM_TEMPERATURE": "1_0",
		},
		[]string{
			`SHARD_SAMPLES: "1_000" is not a whole number`, `IN_FLIGHT: "0x10" is not a whole number`,
			`MAX_SAMPLE_IMAGES: "010" is not a whole number; write 10`, `LLM_TEMPERATURE: "1_0" is not a number`,
		},
	},
}

func TestConfigNamesFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range invalidEnvironments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := valid()
			maps.Copy(env, tt.env)
			_, err := config.Read[config.Planning](t.Context(), envconfig.MapLookuper(env))
			if err == nil {
				t.Fatal("the invalid environment was accepted")
			}
			for _, field := range []string{"CostPerMillion", "MaxRunCost", "ShardSamples"} {
				if strings.Contains(err.Error(), field) {
					t.Errorf("%q names %s, which is not a variable", err, field)
				}
			}
			for _, want := range tt.named {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not name %s", err, want)
				}
			}
		})
	}
}
