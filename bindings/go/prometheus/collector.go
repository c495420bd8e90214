// Package payprom registers payseal's metrics with the Prometheus client library.
//
//	prometheus.MustRegister(payprom.NewCollector(client))
//
// Where several merchants share a registry, keep them apart by a label:
//
//	prometheus.WrapRegistererWith(prometheus.Labels{"merchant": "1900000001"}, registry).MustRegister(payprom.NewCollector(client))
package payprom

import (
	"bytes"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	payseal "github.com/payseal/payseal/bindings/go"
)

// NewCollector returns a collector of the client's metrics. It reads them anew for every scrape; once the client is closed, scrapes report
// the error. What it collects is decided by the library, so it is an unchecked collector: it describes nothing beforehand.
func NewCollector(client *payseal.Client) prometheus.Collector {
	return collector{client}
}

type collector struct{ client *payseal.Client }

// Describe sends nothing, which makes the collector an unchecked one.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends every metric of the client.
func (c collector) Collect(metrics chan<- prometheus.Metric) {
	families, err := c.families()
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
		return
	}
	for _, family := range families {
		for _, sample := range family.GetMetric() {
			metrics <- parsed{describe(family, sample), sample}
		}
	}
}

func (c collector) families() (map[string]*dto.MetricFamily, error) {
	text, err := c.client.Metrics()
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(text))
}

func describe(family *dto.MetricFamily, sample *dto.Metric) *prometheus.Desc {
	var labels []string
	for _, pair := range sample.GetLabel() {
		labels = append(labels, pair.GetName())
	}
	return prometheus.NewDesc(family.GetName(), family.GetHelp(), labels, nil)
}

// parsed is a metric as the library wrote it.
type parsed struct {
	desc   *prometheus.Desc
	sample *dto.Metric
}

// Desc returns name, help and labels.
func (p parsed) Desc() *prometheus.Desc { return p.desc }

// Write copies the values.
func (p parsed) Write(out *dto.Metric) error {
	out.Label = p.sample.Label
	out.Counter = p.sample.Counter
	out.Gauge = p.sample.Gauge
	out.Histogram = p.sample.Histogram
	out.Summary = p.sample.Summary
	out.Untyped = p.sample.Untyped
	return nil
}
