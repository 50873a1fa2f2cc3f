package cost_test

// List prices in US dollars, region of tier 1, beyond the free tier, as of November 2026.
// Sources: https://cloud.google.com/run/pricing, https://cloud.google.com/storage/pricing,
// https://cloud.google.com/scheduler/pricing, https://cloud.google.com/artifact-registry/pricing,
// https://cloud.google.com/stackdriver/pricing, https://cloud.google.com/secret-manager/pricing
// The prices of GPUs, vCPU and memory were compared with public files that quote the first page.
const (
	requestVCPU = 0.000024  // a vCPU-second while requests are served
	requestGiB  = 0.0000025 // a GiB-second while requests are served
	alwaysVCPU  = 0.000018  // a vCPU-second of an instance that is billed as long as it exists
	alwaysGiB   = 0.000002
	classA      = 0.005 / 1000  // a request that creates an object or lists objects
	classB      = 0.0004 / 1000 // a request that reads an object or its metadata
	nearline    = 0.01 / 1000   // an object that is moved to Nearline
	storageGB   = 0.02          // a GB, a month
	nearlineGB  = 0.01
	registryGB  = 0.10
	schedule    = 0.10
	alert       = 0.10 // a condition of an alert, a month
	secret      = 0.06
)

// A gpu is a GPU of Cloud Run, with the resources of its instance: the sum of the sidecar's and the function's
// containers.
type gpu struct {
	name    string
	second  float64 // price of a second, without zonal redundancy
	vCPU    float64
	gib     float64
	tflops  float64 // dense, bf16
	weights float64 // GB of both models, in the form that fits the GPU
}

var (
	l4  = gpu{"L4", 0.0001867, 5, 18, 121, 18}
	rtx = gpu{"RTX PRO 6000", 0.00036522, 21, 82, 503, 34}
)

// hour returns the cost of an instance for an hour, in US dollars.
func (g gpu) hour() float64 { return 3600 * (g.second + g.vCPU*alwaysVCPU + g.gib*alwaysGiB) }

// Figures of the work.
const (
	embeddedRate = 780.0 // samples a second on two cores: infra/harvest/README.md
	imageWait    = 3.0   // factor of the rating time, because instances wait for images
	tflopSample  = 31.0  // TFLOP for a sample with one view of 384 px and 300 tokens: sidecar/README.md
	utilisation  = 0.45  // share of the peak: assumed, not measured in a cloud
	rest         = 1.08  // factor for the rest of the work, such as decoding images
	imageKB      = 50.0
	imageReads   = 1.0 // requests for an image; two requests after a sample's eighth image, or after 4 MB
	shardSamples = 200.0
	shardObjects = 8.0 // objects that are created for a shard, or lists
	otherWork    = 0.05
)

// gpuHours returns the hours of one GPU for a number of samples.
func (g gpu) gpuHours(samples float64) float64 {
	return samples * tflopSample / (g.tflops * utilisation) / 3600 * rest
}
