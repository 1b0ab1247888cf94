import java.util.Arrays;
import java.util.Collections;
import java.util.List;

import org.apache.spark.sql.catalyst.expressions.BindReferences;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.RaiseError;
import org.apache.spark.sql.catalyst.expressions.UnaryExpression;
import org.apache.spark.sql.catalyst.expressions.package$AttributeSeq;
import org.apache.spark.sql.catalyst.expressions.codegen.CodeBlock;
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenContext;
import org.apache.spark.sql.catalyst.expressions.codegen.ExprCode;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.trees.TreeNode;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StringType$;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * A struct that depends on nothing but a string: worked out once for each string that a task meets.
 *
 * Spark remembers nothing between rows, and no issue at Spark asks for it. Review at pyspark 4.2: is the plain query as
 * fast by now (`test_tally_parsing.py` has both)?
 *
 * The work is no child of it. Spark generates no code for the work, but interprets it, so that it may be what there is
 * no code for; the expression itself can be part of a stage that is code.
 *
 * Executors do not have this class. They get the code that it generates, which does not name it. Beside the code goes
 * the plan, of which they ask nothing: what stands there in its place would fail.
 *
 * Without type parameters, which the compiler that it is made with (Janino) does not know.
 */
public class Remembered extends UnaryExpression implements java.io.Serializable {
    /** Of strings; the structs take two or three times as much. */
    private static final int MOST_BYTES = 16 * 1024 * 1024;

    private final Expression text;
    private final Expression work;

    public Remembered(Expression text, Expression work) {
        this.text = text;
        this.work = work;
    }

    /** The work is the only column of the plan, and looks at the only column of the plan's child. */
    public static Remembered of(Expression text, LogicalPlan plan) {
        TreeNode named = (TreeNode) plan.expressions().head();
        Seq input = ((LogicalPlan) plan.children().head()).output();
        Expression work = (Expression) named.children().head();
        return new Remembered(text, BindReferences.bindReference(work, new package$AttributeSeq(input), false));
    }

    public TreeNode child() {
        return text;
    }

    public TreeNode withNewChildInternal(TreeNode child) {
        return new Remembered((Expression) child, work);
    }

    public DataType dataType() {
        return work.dataType();
    }

    public boolean nullable() {
        return true;
    }

    public Object nullSafeEval(Object string) {
        return work.eval(new GenericInternalRow(new Object[] {string}));
    }

    public ExprCode doGenCode(CodegenContext context, ExprCode own) {
        ExprCode string = text.genCode(context);
        String work = context.addReferenceObj("work", this.work, Expression.class.getName());
        String known = state(context, "java.util.HashMap", "known");
        String bytes = state(context, "long", "bytes");
        String copy = context.freshName("copy");
        String answer = context.freshName("answer");
        return own.copy(
            code(
                string,
                "boolean " + own.isNull() + " = true;",
                "InternalRow " + own.value() + " = null;",
                "if (!" + string.isNull() + ") {",
                "  Object " + answer + " = " + known + " == null ? null : " + known + ".get(" + string.value() + ");",
                "  if (" + answer + " == null) {",
                "    UTF8String " + copy + " = " + string.value() + ".copy();",
                "    " + answer + " = " + work + ".eval(new " + GenericInternalRow.class.getName()
                    + "(new Object[] {" + copy + "}));",
                // That there is no answer is remembered too.
                "    " + answer + " = " + answer + " == null ? (Object) Boolean.FALSE : ((InternalRow) " + answer
                    + ").copy();",
                "    " + bytes + " += " + copy + ".numBytes();",
                "    if (" + known + " == null || " + bytes + " > " + MOST_BYTES + ") {",
                "      " + known + " = new java.util.HashMap();",
                "      " + bytes + " = " + copy + ".numBytes();",
                "    }",
                "    " + known + ".put(" + copy + ", " + answer + ");",
                "  }",
                "  if (" + answer + " instanceof InternalRow) {",
                "    " + own.isNull() + " = false;",
                "    " + own.value() + " = (InternalRow) " + answer + ";",
                "  }",
                "}"),
            own.isNull(), own.value());
    }

    private static String state(CodegenContext context, String type, String name) {
        return context.addMutableState(type, name, context.addMutableState$default$3(), false, true);
    }

    private static CodeBlock code(ExprCode first, String... lines) {
        String then = "\n" + String.join("\n", lines) + "\n";
        return new CodeBlock(seq(Arrays.asList(new Object[] {"", then})), seq(Collections.singletonList(first.code())));
    }

    private static Seq seq(List list) {
        return CollectionConverters.asScala(list).toSeq();
    }

    /** What goes to executors. */
    protected Object writeReplace() {
        RaiseError unasked = new RaiseError(Literal.create("Remembered is code or nothing", StringType$.MODULE$));
        return new RaiseError(unasked.errorClass(), unasked.errorParms(), dataType());
    }

    public int productArity() {
        return 2;
    }

    public Object productElement(int position) {
        return position == 0 ? text : work;
    }

    public boolean canEqual(Object other) {
        return other instanceof Remembered;
    }

    public boolean equals(Object other) {
        return other instanceof Remembered && text.equals(((Remembered) other).text)
            && work.equals(((Remembered) other).work);
    }
}
