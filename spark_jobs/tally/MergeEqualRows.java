import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.Sum;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.execution.SparkStrategy;
import org.apache.spark.sql.execution.aggregate.HashAggregateExec;
import scala.Option;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Plans a projection with a column that is marked as the number of equal rows. A hash table merges equal rows of the
 * task into one, with the sum of their numbers, so that a later sum over the numbers is the same.
 *
 * Spark's streams have no such step: each of their aggregations covers all tasks and has state. No issue at Spark asks
 * for one. Review at pyspark 4.2: does a stream merge rows of objects before its state, or can a plan ask for it?
 *
 * It has no type parameters, because its compiler (Janino) does not know them.
 */
public class MergeEqualRows extends SparkStrategy {
    public Seq apply(LogicalPlan plan) {
        List planned = new ArrayList();
        if (plan instanceof Project) {
            Project project = (Project) plan;
            Alias number = marked(project);
            if (number != null) {
                planned.add(merged(project, number));
            }
        }
        return seq(planned);
    }

    private static Alias marked(Project project) {
        for (Object column : CollectionConverters.asJava(project.projectList())) {
            // An alias of a marked column inherits the mark, but must not merge again.
            if (column instanceof Alias && ((Alias) column).metadata().contains("equal rows")
                    && !(((Alias) column).child() instanceof Attribute)) {
                return (Alias) column;
            }
        }
        return null;
    }

    private HashAggregateExec merged(Project project, Alias number) {
        AggregateExpression sum = new Sum(number.child()).toAggregateExpression();
        Attribute summed = sum.resultAttribute();
        List keys = new ArrayList();
        List result = new ArrayList();
        for (Object column : CollectionConverters.asJava(project.projectList())) {
            if (column == number) {
                result.add(new Alias(
                    summed, number.name(), number.exprId(), number.qualifier(), number.explicitMetadata(),
                    number.nonInheritableMetadataKeys()));
            } else {
                keys.add(column);
                result.add(((NamedExpression) column).toAttribute());
            }
        }
        return new HashAggregateExec(
            Option.empty(), false, Option.empty(), seq(keys), seq(Collections.singletonList(sum)),
            seq(Collections.singletonList(summed)), 0, seq(result), planLater(project.child()));
    }

    private static Seq seq(List list) {
        return CollectionConverters.asScala(list).toSeq();
    }
}
