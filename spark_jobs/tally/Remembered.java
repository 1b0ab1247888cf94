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
 * A struct that depends only on a string. It is computed once for each distinct string in a task.
 *
 * Spark caches nothing between rows, and no issue at Spark asks for it. Review at pyspark 4.2: is the plain query as
 * fast by now (`test_tally_parsing.py` has both)?
 *
 * The work is not a child of this expression. Spark interprets the work and generates no code for it, so it may use
 * expressions without code generation. The expression itself can be part of a stage with generated code.
 *
 * Executors do not have this class. They get the code that it generates, which does not name it. They also get the
 * plan, but do not evaluate it; the expression that replaces this one there would fail.
 *
 * It has no type parameters, because its compiler (Janino) does not know them.
 */
public class Remembered extends UnaryExpression implements java.io.Serializable {
    /** The most bytes of cached strings; the structs take two or three times as much. */
    private static final int MOST_BYTES = 16 * 1024 * 1024;

    private final Expression text;
    private final Expression work;

    public Remembered(Expression text, Expression work) {
        this.text = text;
        this.work = work;
    }

    /** The work is the only column of the plan, and uses the only column of the plan's child. */
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
                // FALSE caches that there is no answer.
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

    /** The replacement that is sent to executors. */
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
