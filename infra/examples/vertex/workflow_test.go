package vertex

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/events/eventstest"
)

// captured returns an event of Harvest in the form that Eventarc delivers to a workflow.
func captured(t *testing.T, kind string, automatic bool) any {
	t.Helper()
	object := func(name string) events.Object {
		return events.Object{URI: "gs://farm-work/runs/demo-0123456789ab/" + name, Generation: 7, Size: 9, CRC32C: "AAAAAA=="}
	}
	data, err := json.Marshal(events.SelectionEvent{
		Run: "demo-0123456789ab", Dataset: "demo", Selection: "ba9876543210", Selected: 30, Automatic: automatic,
		Scorer: "embedded-1", Parameters: map[string]any{"budget": "30%"}, Images: "gs://farm-input/images/demo/",
		Outputs: map[string]events.Object{
			"subset": object("subset.json"), "rejected": object("rejected.jsonl"), "picks": object("picks.jsonl"),
			"report": object("report.html"), "selection": object("selection.json"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	attributes := map[string]string{
		events.AttrType: kind, "ce-id": "demo-0123456789ab/ba9876543210", "ce-type": events.CloudEventType(kind),
	}
	if kind == events.SelectionCompleted {
		eventstest.Check(t, events.Message{Attributes: attributes, Data: data})
	}
	text, err := json.Marshal(map[string]any{
		"type": "google.cloud.pubsub.topic.v1.messagePublished",
		"data": map[string]any{"message": map[string]any{
			"data": base64.StdEncoding.EncodeToString(data), "attributes": attributes, "messageId": "1",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var event any
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

var environment = map[string]string{
	"GOOGLE_CLOUD_PROJECT_ID": "farm", "REGION": "europe-west4", "CLAIMS_BUCKET": "farm-claims", "JOB_ACCOUNT": "t@farm",
	"TRAINER_IMAGE": "trainer@sha256:0", "MACHINE": "a2-highgpu-1g", "ACCELERATOR": "NVIDIA_TESLA_A100",
}

// A cloud is a fake of Cloud Storage, with claims, and of Vertex AI, with jobs.
type cloud struct {
	claims map[string]bool
	jobs   []map[string]any
	broken error // error of Vertex AI; nil if it works
}

const createJob = "googleapis.aiplatform.v1.projects.locations.customJobs.create"

func (c *cloud) call(name string, args map[string]any) (any, error) {
	switch name {
	case "http.post":
		query := args["query"].(map[string]any)
		object := args["url"].(string) + "?" + query["name"].(string)
		if query["ifGenerationMatch"] != "0" || query["uploadType"] != "media" {
			return nil, fmt.Errorf("the claim would replace an earlier one: %v", query)
		}
		if c.claims[object] {
			return nil, raised{map[string]any{"code": 412}}
		}
		c.claims[object] = true
		return map[string]any{"code": 200}, nil
	case "http.delete":
		from := strings.Replace(args["url"].(string), "/storage/v1", "/upload/storage/v1", 1)
		place, object, _ := strings.Cut(from, "/o/")
		object = place + "/o?" + strings.ReplaceAll(object, "%2F", "/")
		if !c.claims[object] {
			return nil, fmt.Errorf("there is no %s in %v", object, c.claims)
		}
		delete(c.claims, object)
		return nil, nil
	case createJob:
		if c.broken != nil {
			return nil, c.broken
		}
		c.jobs = append(c.jobs, args)
		return map[string]any{"name": fmt.Sprintf("jobs/%d", len(c.jobs))}, nil
	}
	return nil, fmt.Errorf("no call %q", name)
}

// A customJob has the fields of a CustomJob that the workflow may use.
// Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/CustomJobSpec
type customJob struct {
	DisplayName string `json:"displayName"`
	JobSpec     struct {
		ServiceAccount  string `json:"serviceAccount"`
		WorkerPoolSpecs []struct {
			ReplicaCount int `json:"replicaCount"`
			MachineSpec  struct {
				MachineType      string `json:"machineType"`
				AcceleratorType  string `json:"acceleratorType"`
				AcceleratorCount int    `json:"acceleratorCount"`
			} `json:"machineSpec"`
			ContainerSpec struct {
				ImageURI string `json:"imageUri"`
				Env      []struct {
					Name  string `json:"name"`
					Value string `json:"value"`
				} `json:"env"`
			} `json:"containerSpec"`
		} `json:"workerPoolSpecs"`
	} `json:"jobSpec"`
}

// TestWorkflow runs the workflow on events. It starts one job for each automatic selection, even if its event is
// delivered several times.
func TestWorkflow(t *testing.T) {
	t.Parallel()
	c := &cloud{claims: map[string]bool{}}
	run := func(event any) any {
		t.Helper()
		result, err := runWorkflow(t, event, c)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	if got := run(captured(t, events.RunScored, true)); got != "not a selection" || len(c.claims) > 0 {
		t.Errorf("an event of a run: %v, claims %v", got, c.claims)
	}
	if got := run(captured(t, events.SelectionCompleted, false)); got != "not automatic" || len(c.claims) > 0 {
		t.Errorf("a selection that is not automatic: %v, claims %v", got, c.claims)
	}
	event := captured(t, events.SelectionCompleted, true)
	c.broken = raised{map[string]any{"code": 503}}
	if _, err := runWorkflow(t, event, c); err == nil || len(c.claims) > 0 {
		t.Errorf("Vertex AI is unreachable: error %v, claims %v; want an error, and no claim", err, c.claims)
	}
	c.broken = nil
	if got := run(event); got != "jobs/1" {
		t.Errorf("a selection: %v, want a job", got)
	}
	if got := run(event); got != "started before" || len(c.jobs) != 1 {
		t.Errorf("delivered again: %v, %d jobs", got, len(c.jobs))
	}
	args := c.jobs[0]
	if args["parent"] != "projects/farm/locations/europe-west4" || args["region"] != "europe-west4" {
		t.Errorf("the job is created in %v, region %v", args["parent"], args["region"])
	}
	text, err := json.Marshal(args["body"])
	if err != nil {
		t.Fatal(err)
	}
	var job customJob
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&job); err != nil {
		t.Fatalf("the job is not a CustomJob: %v\n%s", err, text)
	}
	got := map[string]string{}
	for _, v := range job.JobSpec.WorkerPoolSpecs[0].ContainerSpec.Env {
		got[v.Name] = v.Value
	}
	want := map[string]string{
		"HARVEST_SUBSET": "gs://farm-work/runs/demo-0123456789ab/subset.json",
		"HARVEST_IMAGES": "gs://farm-input/images/demo/",
		"HARVEST_RUN":    "demo-0123456789ab", "HARVEST_SELECTION": "ba9876543210",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the job's environment (-want +got):\n%s", diff)
	}
	if job.DisplayName != "harvest-demo-ba9876543210" || job.JobSpec.ServiceAccount != "t@farm" {
		t.Errorf("the job is %+v", job)
	}
}

// TestEnvironment compares the variables that the workflow reads with the variables that Terraform sets.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	configuration, err := os.ReadFile("main.tf")
	if err != nil {
		t.Fatal(err)
	}
	workflow, err := os.ReadFile("workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for _, found := range regexp.MustCompile(`sys\.get_env\("(\w+)"\)`).FindAllStringSubmatch(string(workflow), -1) {
		read[found[1]] = true
		set := regexp.MustCompile(`(?m)^    ` + found[1] + ` += `).Match(configuration)
		if !set && !strings.HasPrefix(found[1], "GOOGLE_CLOUD_") {
			t.Errorf("main.tf does not set %s", found[1])
		}
	}
	for name := range environment {
		if !read[name] {
			t.Errorf("the workflow does not read %s", name)
		}
	}
}
