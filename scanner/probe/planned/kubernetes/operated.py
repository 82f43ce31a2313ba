"""Kinds of objects for which an operator starts containers of its own choice, whether or not an image is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: Mapping[str, str] = {
    "acid.zalan.do": "postgresql",
    "agent.k8s.elastic.co": "Agent",
    "apm.k8s.elastic.co": "ApmServer",
    "argoproj.io": "ArgoCD CronWorkflow EventBus EventSource Sensor Workflow",
    "beat.k8s.elastic.co": "Beat",
    "camel.apache.org": "Integration",
    "cassandra.datastax.com": "CassandraDatacenter",
    "ceph.rook.io": "CephCluster CephFilesystem CephNFS CephObjectStore CephRBDMirror",
    "clickhouse-keeper.altinity.com": "ClickHouseKeeperInstallation",
    "clickhouse.altinity.com": "ClickHouseInstallation",
    "databases.spotahome.com": "RedisFailover",
    "dragonflydb.io": "Dragonfly",
    "elasticsearch.k8s.elastic.co": "Elasticsearch",
    "enterprisesearch.k8s.elastic.co": "EnterpriseSearch",
    "flink.apache.org": "FlinkDeployment",
    "grafana.integreatly.org": "Grafana",
    "install.istio.io": "IstioOperator",
    "jaegertracing.io": "Jaeger",
    "k8s.keycloak.org": "Keycloak",
    "k8s.mariadb.com": "MariaDB MaxScale",
    "k8ssandra.io": "K8ssandraCluster",
    "kafka.strimzi.io": "Kafka KafkaBridge KafkaConnect KafkaMirrorMaker KafkaMirrorMaker2",
    "kibana.k8s.elastic.co": "Kibana",
    "kubevirt.io": "VirtualMachine VirtualMachineInstance VirtualMachineInstanceReplicaSet",
    "logging.banzaicloud.io": "FluentbitAgent Logging",
    "logstash.k8s.elastic.co": "Logstash",
    "loki.grafana.com": "LokiStack",
    "maps.k8s.elastic.co": "ElasticMapsServer",
    "minio.min.io": "Tenant",
    "mongodb.com": "MongoDB OpsManager",
    "mongodbcommunity.mongodb.com": "MongoDBCommunity",
    "monitoring.coreos.com": "Alertmanager Prometheus PrometheusAgent ThanosRuler",
    "mysql.oracle.com": "InnoDBCluster",
    "opensearch.opster.io": "OpenSearchCluster",
    "opentelemetry.io": "OpenTelemetryCollector TargetAllocator",
    "operator.istio.io": "IstioOperator",
    "operator.knative.dev": "KnativeEventing KnativeServing",
    "operator.tigera.io": "APIServer Installation",
    "operator.victoriametrics.com": (
        "VLAgent VLCluster VLogs VLSingle VMAgent VMAlert VMAlertmanager VMAnomaly VMAuth VMCluster VMSingle VTSingle"
    ),
    "pgv2.percona.com": "PerconaPGCluster",
    "pingcap.com": "TidbCluster TidbMonitor",
    "postgres-operator.crunchydata.com": "PGAdmin PostgresCluster",
    "postgresql.cnpg.io": "Cluster Pooler",
    "ps.percona.com": "PerconaServerMySQL",
    "psmdb.percona.com": "PerconaServerMongoDB",
    "pxc.percona.com": "PerconaXtraDBCluster",
    "rabbitmq.com": "RabbitmqCluster",
    "redis.redis.opstreelabs.in": "Redis RedisCluster RedisReplication RedisSentinel",
    "sailoperator.io": "Istio IstioCNI ZTunnel",
    "scylla.scylladb.com": "ScyllaCluster",
    "serving.kserve.io": "InferenceService",
    "solr.apache.org": "SolrCloud",
    "sparkoperator.k8s.io": "ScheduledSparkApplication SparkApplication",
    "stackgres.io": "SGCluster",
    "tekton.dev": "PipelineRun TaskRun",
    "tempo.grafana.com": "TempoMonolithic TempoStack",
    "vault.banzaicloud.com": "Vault",
    "zookeeper.pravega.io": "ZookeeperCluster",
}
"""By API group, those that are met most; of any other kind its fields tell (``kinds.holds_something_like_a_container``)."""

_OPERATED = {group: frozenset(kinds.split()) for group, kinds in _KINDS.items()}


def is_operated(kind: str, group: str) -> bool:
    """Whether containers are started for an object of a kind."""
    return kind in _OPERATED.get(group, ())
