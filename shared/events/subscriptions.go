package events

import "fmt"

// Topics of a deployment. Their full names begin with the deployment's name, such as harvest-tasks.
const (
	TopicUploads = "uploads" // Cloud Storage's notifications of new objects in the input bucket
	TopicTasks   = "tasks"   // tasks: ranges to cut, shards to rate, selections to make, parts of selections to write
	TopicEvents  = "events"  // CloudEvents for other systems
)

// Services that receive messages. ServiceScoreGPU is absent from a deployment without a GPU.
const (
	ServiceIngest   = "ingest"
	ServiceScore    = "score"
	ServiceScoreGPU = "score-gpu"
	ServiceCurate   = "curate"
)

// Values of AttrScorer that have separate subscriptions. Shards of gpuScorer go to ServiceScoreGPU.
const (
	gpuScorer = "gpu"
	llmScorer = "llm"
)

// A Subscription pushes messages of a topic to a service.
type Subscription struct {
	Name    string // without the deployment's name
	Topic   string // one of the Topic constants
	Filter  string // in Pub/Sub's filter language; empty for all messages of the topic
	Service string // one of the Service constants
}

// Topics returns all topics of a deployment.
func Topics() []string { return []string{TopicUploads, TopicTasks, TopicEvents} }

// Subscriptions returns all push subscriptions of a deployment. Every message of a topic matches at most one
// subscription. Each kind of scorer has its own subscription, so that an unreachable scorer does not block runs of
// another scorer. Small runs have their own subscriptions too.
func Subscriptions() []Subscription {
	shard := equals(AttrTask, TaskShard)
	local := shard + " AND " + differs(AttrScorer, gpuScorer) + " AND " + differs(AttrScorer, llmScorer)
	llm, gpu := shard+" AND "+equals(AttrScorer, llmScorer), shard+" AND "+equals(AttrScorer, gpuScorer)
	small, large := " AND "+equals(AttrSize, SizeSmall), " AND "+differs(AttrSize, SizeSmall)
	return []Subscription{
		{"ingest-uploads", TopicUploads, "", ServiceIngest},
		{"ingest-plans", TopicTasks, equals(AttrTask, TaskPlan), ServiceIngest},
		{"ingest-ranges", TopicTasks, equals(AttrTask, TaskRange), ServiceIngest},
		{"score", TopicTasks, local + large, ServiceScore},
		{"score-small", TopicTasks, local + small, ServiceScore},
		{"score-llm", TopicTasks, llm + large, ServiceScore},
		{"score-llm-small", TopicTasks, llm + small, ServiceScore},
		{"score-gpu", TopicTasks, gpu + large, ServiceScoreGPU},
		{"score-gpu-small", TopicTasks, gpu + small, ServiceScoreGPU},
		{"curate-parts", TopicTasks, equals(AttrTask, TaskPart), ServiceCurate},
		{"curate-selections", TopicTasks, equals(AttrTask, TaskSelect), ServiceCurate},
		{"curate-images", TopicTasks, equals(AttrTask, TaskImages), ServiceCurate},
		{"curate-reconcile", TopicTasks, equals(AttrTask, TaskReconcile), ServiceCurate},
	}
}

// Source of the filter language: https://cloud.google.com/pubsub/docs/subscription-message-filter#filtering_syntax
func equals(attribute, value string) string {
	return fmt.Sprintf("attributes.%s = %q", attribute, value)
}

func differs(attribute, value string) string {
	return fmt.Sprintf("attributes.%s != %q", attribute, value)
}
